"""The echo for yera 0.10; it ends when told so, since the server has room for 16."""

import yera as yr


@yr.app(llm=False)
def echo() -> None:
    yr.markdown("hello")
    while (text := yr.text_input("say")) != "stop":
        yr.markdown(text)
