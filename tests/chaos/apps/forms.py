"""Forms and layouts: many questions that end as one."""

import yera as yr
from _work import work


@yr.app(model=False)
def survey() -> str:
    answers = []
    for number in range(int(yr.slider(2, 4, "Rounds"))):
        with yr.form(border=True) as form:
            yr.markdown(f"Round {number}")
            work()
            yr.text_input("City")
            yr.slider(0, 10, "Score")
            yr.buttons(["red", "green"], "Colour")
            yr.date_picker("Day", "2026-01-31")
        answers.append(form.result())
        yr.table([list(map(str, form.result()))])
    return str(answers)


@yr.app(model=False)
async def asurvey() -> str:
    sides = []
    for number in range(int(await yr.aslider(2, 4, "Rounds"))):
        async with yr.columns(2):
            for side in ("left", "right"):
                async with yr.container():
                    yr.markdown(f"{number} {side}")
                    await yr.abuttons(["yes", "no"], side)
        async with yr.form() as form:
            await yr.atext_input("And why?")
            await yr.aslider(0, 1, "How sure?")
        sides.extend(form.result())
        yr.bar_chart([{"round": number, "sure": form.result()[1]}], x="round", y="sure")
    return str(sides)
