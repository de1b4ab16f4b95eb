"""Layouts: a form is answered at once, and its answers come back in their types."""

import yera as yr

ASPECTS = ["Food", "Service", "Music"]


@yr.app(
    model=False, name="Survey", description="A form with every kind of question, and a chart of its answers."
)
def survey() -> float:
    yr.markdown("# How was your evening?")
    with yr.form(border=True) as form:
        yr.text_input("Your name")
        yr.date_picker("When did you visit us?")
        for aspect in ASPECTS:
            yr.slider(0, 10, aspect)
    name, visited, *scores = form.result()

    rows = [{"aspect": aspect, "score": score} for aspect, score in zip(ASPECTS, scores, strict=True)]
    with yr.columns(2):
        yr.bar_chart(rows, x="aspect", y="score", horizontal=True)
        table = yr.table(rows, border="horizontal")
        average = round(sum(scores) / len(scores), 1)
        table.add_rows([["Average", average]])

    with yr.container(border=True):
        yr.markdown(f"Thank you, {name}! You were here on {visited:%d %B %Y}.")
        yr.buttons(["You're welcome"])
    return average
