"""What the tests of printing print to, and what is kept of it."""

from __future__ import annotations

import io

from sessions_app.models import PrintedText


def new_console() -> io.TextIOWrapper:
    """A real stream of the process; it can show ASCII only."""
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="", write_through=True)


def on(console: io.TextIOWrapper) -> str:
    return bytes(console.buffer.getvalue()).decode("ascii")  # type: ignore[attr-defined]


def kept() -> str:
    """What is kept of the one session there is."""
    return "".join(PrintedText.objects.values_list("text", flat=True))


def is_kept(text: str) -> bool:
    return kept() == text
