"""Apps inside an app: an app is called like a function, and each has a memory of its own."""

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
        cup = make(drink)
        yr.markdown(f"Here is {cup}.")
        yr.workspace["cups"] = yr.workspace.get("cups", 0) + 1
    return yr.workspace.get("cups", 0)


@yr.app(model=False, name="Barista", description="Makes one drink, and remembers how many it made of each.")
def make(drink: str = "Coffee") -> str:
    with yr.action(f"Making {drink.lower()}"):
        made = yr.workspace.get(drink, 0) + 1
        yr.workspace[drink] = made
    return f"{drink.lower()} number {made}"
