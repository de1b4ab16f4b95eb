"""The echo as Chainlit's users write it."""

import chainlit


@chainlit.on_chat_start
async def start() -> None:
    await chainlit.Message("hello").send()


@chainlit.on_message
async def echo(message: chainlit.Message) -> None:
    await chainlit.Message(message.content).send()
