"""`python -m tests.benchmark.peers` installs the peers, measures them beside ours and prints the table.

Their environments are kept in `.peers/`: the first run takes some minutes more than the next.
It exits with 1 where a count of ours is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmark.__main__ import machine
from tests.benchmark.figures import table
from tests.benchmark.peers.rows import MATCHES, conversations


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.peers", description=__doc__)
    parser.add_argument(
        "--json", type=Path, default=Path("bench-peers.json"), help="where the figures go too"
    )
    options = parser.parse_args()
    figures = conversations()
    print(f"{machine()}\n\n{table(figures)}")  # noqa: T201
    peers = [match.peer.requirements[0] for match in MATCHES]
    measured = {"machine": machine(), "peers": peers, "figures": [figure.as_json() for figure in figures]}
    options.json.write_text(json.dumps(measured, indent=1))
    return 1 if any(figure.is_count and figure.missed for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
