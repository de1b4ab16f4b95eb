"""The echo as Gradio's users write it, and a job that takes long; its functions are called by their index."""

import os
import time

import gradio


def hello() -> str:
    return "hello"


def echo(text: str) -> str:
    return text


def take_long(text: str) -> str:
    time.sleep(600)
    return text


with gradio.Blocks() as page:
    question, late_question, answer = gradio.Textbox("say"), gradio.Textbox(), gradio.Markdown()
    page.load(hello, outputs=answer)
    question.submit(echo, question, answer)
    late_question.submit(take_long, late_question, answer)

page.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]), quiet=True)
