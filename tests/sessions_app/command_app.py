"""An app that does what it is told, and by what rules it does it: a plain model of what its sessions show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import apps_app.dsl as yr
from tests.sessions_app.crash_apps import attempt

GOING_ON = ["say", "append", "step", "fail", "form", "sleep", "call"]
ENDING = ["end", "leave", "raise"]
COMMANDS = [*GOING_ON, *ENDING]

# Block id, chunk id, parent, and what a markdown block says.
Shown = tuple[str, int, str | None, str | None]


def work(is_failing: bool) -> dict[str, int]:
    made = attempt()
    with yr.markdown("working") as shown:
        shown.append("on it")
    if is_failing:
        raise ValueError(f"attempt {made['attempt']}")
    return made


@yr.app
def inner() -> str:
    yr.markdown("inside")
    return yr.text_input()


@yr.app
async def inner_async() -> str:
    yr.markdown("inside")
    return await yr.atext_input()


def sync_app() -> str:
    top = yr.markdown("begin")
    while (command := yr.buttons(COMMANDS)) != "end":
        if command == "step":
            yr.step(work, False)
        elif command == "fail":
            try:
                yr.step(work, True)
            except yr.StepError:
                top.append("failed")
        elif command == "form":
            with yr.form() as form:
                yr.text_input()
                yr.slider(0, 10, "number")
            top.append(str(form.result()))
        elif command == "sleep":
            yr.sleep(0.001)
        elif command == "call":
            top.append(inner())
        elif command == "leave":
            with yr.container():
                yr.exit(3, "left", "nothing")
        else:
            do_plainly(command, top)
    return "end"


async def async_app() -> str:
    top = yr.markdown("begin")
    while (command := await yr.abuttons(COMMANDS)) != "end":
        if command == "step":
            await yr.astep(work, False)
        elif command == "fail":
            try:
                await yr.astep(work, True)
            except yr.StepError:
                top.append("failed")
        elif command == "form":
            async with yr.form() as form:
                await yr.atext_input()
                await yr.aslider(0, 10, "number")
            top.append(str(form.result()))
        elif command == "sleep":
            await yr.asleep(0.001)
        elif command == "call":
            top.append(await inner_async())
        elif command == "leave":
            async with yr.container():
                yr.exit(3, "left", "nothing")
        else:
            do_plainly(command, top)
    return "end"


def do_plainly(command: str, top: Any) -> None:
    """What is the same in both colours."""
    match command:
        case "say":
            yr.markdown("said")
        case "append":
            top.append("more")
        case "raise":
            raise ValueError("as told")


class WaitsError(Exception):
    """The answers go no further."""


class Model:
    """What a session shows and waits for after these answers, by block id. `exit_code` once it has ended."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.shown: list[Shown] = []
        self.pending: list[str] = []
        self.exit_code: int | None = None
        self._answers = answers
        self._blocks: Counter[str] = Counter()
        self._chunks: Counter[str] = Counter()
        with suppress(WaitsError):
            self._play()

    def _play(self) -> None:
        self._add("markdown", "begin")
        while self.exit_code is None:
            [command] = self._ask(self._add("buttons"))
            self._do(command)

    def _do(self, command: str) -> None:
        match command:
            case "say":
                self._add("markdown", "said")
            case "append":
                self._append("more")
            case "step" | "fail":
                self._work(command)
            case "form":
                self._form()
            case "call":
                self._add("markdown", "inside")
                self._append(*self._ask(self._add("input_request")))
            case "leave":
                self._exit(3, self._add("container"))
            case "end" | "raise":
                self._exit(int(command == "raise"))

    def _work(self, command: str) -> None:
        block_id = self._add("markdown", "working")
        self._show(block_id, "on it")
        if command == "fail":
            self._append("failed")

    def _form(self) -> None:
        form = self._add("form")
        prompts = [self._add(block_type, parent=form) for block_type in ("input_request", "slider")]
        self.shown.append((form, 1, None, None))  # its end
        text, number = self._ask(*prompts)
        self._append(str((text, float(number))))

    def _exit(self, code: int, parent: str | None = None) -> None:
        self.exit_code = code
        self._add("exit", parent=parent)

    def _ask(self, *block_ids: str) -> list[Any]:
        self.pending = [block_id for block_id in block_ids if block_id not in self._answers]
        if self.pending:
            raise WaitsError
        return [self._answers[block_id] for block_id in block_ids]

    def _append(self, text: str) -> None:
        self._show("markdown-1", text)

    def _add(self, block_type: str, content: str | None = None, parent: str | None = None) -> str:
        self._blocks[block_type] += 1
        block_id = f"{block_type}-{self._blocks[block_type]}"
        self._show(block_id, content, parent)
        return block_id

    def _show(self, block_id: str, content: str | None = None, parent: str | None = None) -> None:
        self._chunks[block_id] += 1
        self.shown.append((block_id, self._chunks[block_id], parent, content))
