"""Apps inside an app: an app is called like a function; the workspace is the calling app's own."""

import yera as yr

DRINKS = ["Coffee", "Tea", "Nothing more"]


@yr.app(
    model=False,
    name="Café",
    description="Takes orders until you want nothing more; another app makes the drinks.",
)
def order() -> int:
    yr.markdown("# Welcome to the café")
    while (drink := yr.buttons(DRINKS, "What would you like?")) != "Nothing more":
        number = yr.workspace.get(drink, 0) + 1
        yr.workspace[drink] = number
        yr.markdown(f"Here is {make(drink)} number {number}.")
    return yr.workspace.get("Coffee", 0) + yr.workspace.get("Tea", 0)


@yr.app(model=False, name="Barista", description="Makes one drink.")
def make(drink: str = "Coffee") -> str:
    with yr.action(f"Making {drink.lower()}"):
        return drink.lower()
