"""`python -m tests.benchmark.peers` installs the peers, measures them beside ours and prints the table.

Their environments are kept in `.peers/`: the first run takes some minutes more than the next. A peer
that cannot be measured is left out, with its reason on stderr. It exits with 1 where that is so, or
where a count of ours is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from tests.benchmark.__main__ import machine
from tests.benchmark.figures import Figure, table
from tests.benchmark.peers.eventstream import IN_MEMORY
from tests.benchmark.peers.ours import OURS
from tests.benchmark.peers.rows import MATCHES, matched, ours_waiting
from tests.benchmark.peers.sending import sending

# What is measured, by whom it is about.
PARTS: Mapping[str, Callable[[], Iterator[Figure]]] = {
    OURS: ours_waiting,
    IN_MEMORY.name: sending,
    **{match.peer.name: partial(matched, match) for match in MATCHES},
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.peers", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--json", type=Path, default=Path("bench-peers.json"), help="where the figures go too"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    figures: list[Figure] = []
    unmeasured = [part for part in options.parts or PARTS if not is_measured(part, figures)]
    print(f"{machine()}\n\n{table(figures)}")  # noqa: T201
    rows = [figure.as_json() for figure in figures]
    peers = [peer.requirements[0] for peer in (IN_MEMORY, *(match.peer for match in MATCHES))]
    measured = {"machine": machine(), "peers": peers, "unmeasured": unmeasured, "figures": rows}
    options.json.write_text(json.dumps(measured, indent=1))
    wrong = [figure for figure in figures if figure.is_count and figure.missed]
    for figure in wrong:
        say(f"{figure.row}, {figure.name}: {figure.median} {figure.unit}")
    return 1 if wrong or unmeasured else 0


def is_measured(part: str, figures: list[Figure]) -> bool:
    """Adds what can be measured of it; false where that is not all."""
    say(f"measuring {part} ...")
    try:
        for figure in PARTS[part]():
            figures.append(figure)  # one by one: those before an error stand
    except Exception as error:
        traceback.print_exc()
        say(f"{part} could not be measured: {error}")
        return False
    return True


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
