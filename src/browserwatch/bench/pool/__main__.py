"""`python -m browserwatch.bench.pool [--rounds N] [--json FILE]`; what `browserwatch bench pool` does, too."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from browserwatch.bench.pool.figures import table
from browserwatch.bench.pool.turns import measure
from browserwatch.bench.tables import as_json

ROUNDS: Final = 5


def main(arguments: list[str] | None = None) -> None:
    """Measure what the pool is worth, and print it as a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m browserwatch.bench.pool", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="write the single values, too")
    options = parser.parse_args(arguments)
    turns = measure(options.rounds, _say)
    _say(table(turns.figures()))
    if options.json:
        options.json.write_text(as_json("pool", turns.values) + "\n", encoding="utf-8")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
