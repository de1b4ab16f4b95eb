"""Streaming: a text word by word, a spinner, and a table that grows, for about ten seconds."""

import time

import yera as yr

PAUSE_SECONDS = 0.12

STORY = {
    "Dusk": (
        "The keeper climbed the hundred and twelve steps, as on every evening, and lit the lamp. "
        "Below, the sea was as flat as a table, and a single sail stood on it like a forgotten cup."
    ),
    "Night": (
        "Then the fog came. It swallowed the cup, the table, and at last the stars. "
        "The keeper rang the bell, once a minute, and counted: nobody had told him when to stop."
    ),
    "Dawn": (
        "At four hundred and nine somebody knocked. A wet sailor asked for coffee, "
        "and said that she had counted too."
    ),
}


@yr.app(
    model=False, name="Storyteller", description="Tells a short story word by word, and counts the words."
)
def tell() -> str:
    yr.markdown("# The Lighthouse")
    chapters = yr.table({"Chapter": [], "Words": []}, border="horizontal")
    with yr.spinner("Finding the page") as spinner:
        for title, text in STORY.items():
            spinner.update(f"Telling “{title}”")
            words = text.split()
            tell_chapter(title, words)
            chapters.add_rows([[title, len(words)]])
    return "The end."


def tell_chapter(title: str, words: list[str]) -> None:
    chapter = yr.markdown(f"## {title}\n\n")
    for word in words:
        time.sleep(PAUSE_SECONDS)
        chapter.append(f"{word} ")
