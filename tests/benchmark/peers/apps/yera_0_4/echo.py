"""The echo for yera 0.4; it ends when told so, and with it the process that it has to itself."""

import yera as yr


@yr.app(model=False)
def echo() -> None:
    yr.markdown("hello")
    while (text := yr.text_input("say")) != "stop":
        yr.markdown(text)
