"""Steps: what is paid for is done once, even when the server dies in the middle of it."""

import time
from dataclasses import dataclass

import yera as yr

PRICE = 28
BANK_SECONDS = 1.0
CLEARING_SECONDS = 2
TICKET_SECONDS = 0.5


@dataclass
class Booking:
    code: str
    seats: list[str]


@yr.app(
    model=False,
    name="Box office",
    description="Sells theatre tickets. Stop the server whenever you like: nobody pays twice.",
)
def sell() -> str:
    yr.markdown("# The Lighthouse\nTonight at eight.")
    booking = reserve(int(yr.slider(1, 6, "How many seats?", 2)))
    price = PRICE * len(booking.seats)
    yr.markdown(f"We keep **{', '.join(booking.seats)}** for you.")
    if yr.buttons(["Pay", "Let them go"], f"That is {price} €.") == "Let them go":
        yr.quit()

    receipt = charge(price)
    with yr.spinner("Waiting for the bank to clear it"):
        yr.sleep(CLEARING_SECONDS)  # a restart meanwhile does not begin it again
    yr.markdown(f"Cleared at {yr.now():%H:%M} UTC. {receipt}")

    print_tickets(booking.seats)
    return booking.code


@yr.step
def reserve(count: int) -> Booking:
    """What it returns comes back in its type, from the log too."""
    row = "ABCDEFG"[int(yr.random() * 7)]
    return Booking(
        code=f"{row}{yr.uuid().hex[:6]}", seats=[f"{row}{number}" for number in range(1, count + 1)]
    )


@yr.step(name="charge the card")
def charge(amount: int) -> str:
    """Cut off before its result is recorded, it runs again: with the same key."""
    with yr.action("Asking the bank"):
        return bank(amount, yr.idempotency_key())


def bank(amount: int, key: str) -> str:
    """Stands for the service of a bank, which takes one payment per key."""
    time.sleep(BANK_SECONDS)
    return f"You paid {amount} €, reference {key}."


@yr.step
def print_tickets(seats: list[str]) -> None:
    """What a step shows belongs to it: when it runs again, this is taken back first."""
    with yr.spinner("Printing") as printer:
        for number, seat in enumerate(seats, start=1):
            time.sleep(TICKET_SECONDS)
            printer.update(f"Printed {seat}, {number} of {len(seats)}")
