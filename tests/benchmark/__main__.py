"""`python -m tests.benchmark [ROW ...]` measures all rows, or these, and prints the table.

With `--short` it only goes through all of it once, in a minute or two: its times mean nothing, its
counts do. It exits with 1 where a count is not as it should be.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from pathlib import Path

from tests.benchmark.figures import Figure, table
from tests.benchmark.rows import ROWS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--short", action="store_true", help="each row once, with small numbers")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go too")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    figures: list[Figure] = []
    for row in options.rows or ROWS:
        print(f"measuring {row} ...", file=sys.stderr, flush=True)  # noqa: T201
        figures += ROWS[row](short=options.short)
        options.json.write_text(as_json(figures))  # what is measured is kept, whatever comes of the rest
    print(f"{machine()}\n\n{table(figures)}")  # noqa: T201
    wrong = [figure for figure in figures if figure.is_count and figure.missed]
    for figure in wrong:
        print(f"{figure.row}, {figure.name}: {figure.median} {figure.unit}", file=sys.stderr)  # noqa: T201
    return 1 if wrong else 0


def as_json(figures: list[Figure]) -> str:
    return json.dumps({"machine": machine(), "figures": [figure.as_json() for figure in figures]}, indent=1)


def machine() -> str:
    """What it was measured on, and when."""
    today = datetime.datetime.now(datetime.UTC).date()
    return f"{os.cpu_count()} processors, Python {platform.python_version()}, {today}"


if __name__ == "__main__":
    sys.exit(main())
