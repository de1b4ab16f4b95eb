"""Every block and every prompt, for the page."""

import time

import yera as yr

STREAMED = 60

ROWS = [
    {"city": "Rome", "month": "May", "days": 3},
    {"city": "Rome", "month": "June", "days": 5},
    {"city": "Oslo", "month": "May", "days": 2},
]


@yr.app(model=False, name="Everything", description="Shows and asks all there is.")
def show() -> str:
    yr.markdown("# All there is\n\nSome **bold** text, `code`, and a [link](https://example.com/).")
    streamed = yr.markdown()
    for word in ["One ", "word ", "after ", "the ", "other."]:
        streamed.append(word)
    table = yr.table([["apple", 3]], border="horizontal")
    table.add_rows([["pear", 4.5]])
    yr.bar_chart(ROWS, x="month", y="days", colour="city")
    yr.bar_chart(ROWS, x="month", y="days", colour="city", stack=False)
    yr.bar_chart(ROWS, x="city", y="days", horizontal=True)
    yr.line_chart([{"t": 1, "v": 2.0}, {"t": 2, "v": None}, {"t": 3, "v": 1.0}], x="t", y="v")
    with yr.spinner("Turning") as spinner:
        spinner.update("Still turning")
    with yr.action("Acting"):
        yr.markdown("Meanwhile.")
    with yr.columns(2, border=True):
        yr.markdown("left")
        with yr.container():
            yr.markdown("right")

    text = yr.text_input("A text?")
    choice = yr.buttons(["red", "green"], "A colour?")
    number = yr.slider(0, 10, "A number?")
    day = yr.date_picker("A day?", "2025-01-31")
    with yr.container(border=True):
        yr.text_input("First inside?")
        yr.buttons(["yes", "no"], "Second inside?")
    with yr.form(border=True) as form:
        yr.text_input("Name")
        yr.buttons(["small", "large"], "Size")
        yr.slider(0, 1, "Share")
        yr.date_picker("When", "2025-02-01")
    name, size, share, when = form.result()
    return f"{text} {choice} {number:g} {day} {name} {size} {share:g} {when}"


@yr.app(model=False)
def stream() -> str:
    """Numbers, one by one, for about three seconds."""
    text = yr.markdown()
    for number in range(STREAMED):
        time.sleep(0.05)
        text.append(f"n{number}. ")
    return "all told"


@yr.app(model=False)
def stream_in_a_step() -> str:
    """The same numbers, as the work of one step."""

    def work() -> None:
        text = yr.markdown()
        for number in range(STREAMED):
            time.sleep(0.05)
            text.append(f"n{number}. ")

    yr.markdown("Before.")
    yr.step(work)
    yr.markdown("After.")
    return "all told"


@yr.app(model=False)
def scripts() -> str:
    """Says again whatever its user says, in every place that an app can fill."""
    text = yr.text_input("Say what?")
    yr.markdown(text)
    yr.markdown(f"[link]({text}) ![image]({text}) `{text}`")
    yr.table({text: [text]})
    yr.bar_chart([{text: text, "y": 1}], x=text, y="y")
    yr.line_chart([{"x": text, text: 1}], x="x", y=text)
    with yr.spinner(text):
        pass
    with yr.form():
        yr.text_input(text)
        yr.slider(0, 1, text)
        yr.date_picker(text)
        yr.buttons([text, "other"], text)
    yr.buttons([text, "other"], text)
    yr.exit(1, text, text)
    return "unseen"


@yr.app(model=False)
def ask_again() -> int:
    count = 0
    while yr.buttons(["again", "enough"]) == "again":
        count += 1
    return count


@yr.app(model=False)
def ask_twice() -> str:
    with yr.container():
        yr.buttons(["yes", "no"], "First")
        yr.buttons(["yes", "no"], "Second")
    return "asked"


@yr.app(model=False)
def many_charts() -> None:
    for number in range(40):
        yr.bar_chart({"x": ["a", "b"], "y": [number, 2]}, x="x", y="y")
        time.sleep(0.01)


@yr.app(model=False)
def long_text() -> str:
    yr.markdown("Word.\n\n" * 100)
    yr.text_input("More?")
    yr.markdown("Word.\n\n" * 100)
    return "told"


@yr.app(model=False)
def grow() -> None:
    text = yr.markdown("Once.\n\nUpon a time ")
    for _ in range(3):
        text.append(yr.text_input() + " ")


@yr.app(model=False)
def fine_slider() -> float:
    return yr.slider(0.001, 0.996, "Share", 0.333333)
