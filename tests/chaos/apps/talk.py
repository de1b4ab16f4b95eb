"""Questions and streamed answers, sync and async."""

import yera as yr
from _work import awork, work


@yr.app(model=False)
def talk() -> str:
    yr.markdown()  # never used, yet it takes a block id
    transcript = yr.markdown("# Talk")
    said = []
    for number in range(int(yr.slider(3, 6, "Rounds"))):
        said.append(yr.text_input(f"round {number}"))
        answer = yr.markdown("You said ")
        for letter in said[-1]:
            answer.append(letter)
            work()
        transcript.new_line(said[-1])  # a block that is older than the question
    return " ".join(said)


@yr.app(model=False)
async def atalk() -> int:
    answer, letters = yr.markdown("# Talk"), 0
    for number in range(int(await yr.aslider(3, 6, "Rounds"))):
        text = await yr.atext_input(f"round {number}")
        letters += len(text)
        with yr.spinner("thinking") as spinner:
            for letter in text:
                answer.append(letter)
                spinner.update(f"thinking about {letter}")
                await awork()
    return letters
