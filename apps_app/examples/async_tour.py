"""An async app: what waits has an `a` in front, and steps run side by side."""

import asyncio
from itertools import chain

import yera as yr

SERVICE_SECONDS = 0.5


@yr.app(
    model=False, name="City trip", description="Asks for the weather of two cities at once, and compares it."
)
async def tour() -> str:
    yr.markdown("# Where shall we go?")
    async with yr.form() as form:
        await yr.atext_input("One city")
        await yr.atext_input("Another city")
        await yr.adate_picker("When do you travel?")
    *wishes, day = await form.aresult()
    cities = list(dict.fromkeys(wishes))

    # Each forecast is a step: once it is recorded, a restart of the server does not ask again.
    steps = [yr.astep(forecast, city, name=f"forecast for {city}") for city in cities]
    forecasts = await asyncio.gather(*steps)
    yr.line_chart(chain(*forecasts), x="hour", y="°C", colour="city")

    choice = await yr.abuttons(cities, f"Where to on {day:%d %B}?")
    return f"{choice} on {day}"


async def forecast(city: str) -> list[dict[str, str | int]]:
    """Stands for a slow weather service."""
    with yr.spinner(f"Asking about {city}"):
        await asyncio.sleep(SERVICE_SECONDS)
    morning = 5 + len(city)
    degrees = {6: morning, 12: morning + 9, 18: morning + 4}
    return [{"city": city, "hour": hour, "°C": degree} for hour, degree in degrees.items()]
