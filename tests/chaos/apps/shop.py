"""Steps one after the other: some show what they do, some fail."""

import yera as yr
from _work import pay, work


@yr.app(model=False)
def shop() -> int:
    bill, total = yr.table({"Item": [], "Price": []}), 0
    for number in range(int(yr.slider(2, 4, "How many?"))):
        item = yr.text_input(f"Item {number}")
        price = yr.step(charge, item)
        total += price
        bill.add_rows([[item, price]])
        try:
            yr.step(deliver, item)
        except yr.StepError as error:
            yr.markdown(str(error))
        yr.step(note, item, name=f"note {item}")
    return total


def charge(item: str) -> int:
    with yr.action(f"Charging for {item}") as action:
        text = yr.markdown()
        for letter in item:
            text.append(letter)
            action.update(f"{letter} charged")
            work()
        pay()
        work()
    return len(item)


def deliver(item: str) -> None:
    yr.markdown(f"Delivering {item}")
    pay()
    raise LookupError(f"{item} is sold out")


def note(item: str) -> str:
    work()
    pay()
    work()
    return item
