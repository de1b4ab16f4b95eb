"""A first app: it shows, asks, and returns."""

import yera as yr


@yr.app(model=False, name="Greeter", description="Asks for your name and greets you in a style you choose.")
def greet() -> str:
    yr.markdown("# Hello!\nThis app asks two questions.")
    name = yr.text_input("What is your name?")
    style = yr.buttons(["kindly", "grandly", "briefly"], "How shall I greet you?")
    match style:
        case "kindly":
            greeting = f"Lovely to meet you, **{name}**."
        case "grandly":
            greeting = f"All hail **{name}**, first of that name!"
        case _:
            greeting = f"Hi, **{name}**."
    yr.markdown(greeting)
    return f"greeted {name} {style}"
