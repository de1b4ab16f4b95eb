"""`python -m tests.chaos.run --kills 200 --sessions 50 [--seed N]`: does a session survive everything?

A real server is killed at moments of chance while sessions are played; what their clients saw is
judged at the end of each. Prints the counts; the exit code is 1 if anything was wrong, and then
the server's log and database are kept. A seed repeats the plan; the moments are the machine's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.chaos.ordeal import Ordeal


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yera_project.settings")  # for the author API
    options = _parser().parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    ordeal = Ordeal(folder, sessions=options.sessions, seed=options.seed)
    try:
        report = ordeal.go_through(options.kills)
    except BaseException:
        print(f"The server's log and database are in {folder}", file=sys.stderr)  # noqa: T201
        raise
    print("\n".join(report.lines()))  # noqa: T201
    if report.findings:
        print(f"\nThe server's log and database are in {folder}. The log's end:\n{ordeal.log_tail}")  # noqa: T201
        return 1
    shutil.rmtree(folder)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Kills a server under load and counts what its clients see.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=50, help="how many are played at any time")
    parser.add_argument("--seed", type=int, default=Random().randrange(10**6), help="repeats a run's choices")
    return parser


if __name__ == "__main__":
    sys.exit(main())
