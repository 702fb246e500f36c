"""Measure anew what docs/performance.md shows: `python scripts/performance.py [NAME …]`; three quiet hours for all."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
BENCH = (sys.executable, "-m", "browserwatch", "bench")
# Each prints tables, which go to its place in the page.
COMMANDS = {
    "overhead": (*BENCH, "overhead", "--variants", "all", "--minutes", "60", "--plot", str(IMAGES / "overhead.svg")),
    "variants": (*BENCH, "overhead", "--variants", "metrics,traces,content,sampled", "--minutes", "8"),
    "hooks": (*BENCH, "hooks", "--profile", "all"),
    "peers": (sys.executable, "-m", "bench.peers"),
    "batch": (*BENCH, "batch", "--plot", str(IMAGES / "batch.svg")),
    "scrape": (*BENCH, "scrape"),
    "pool": (*BENCH, "pool"),
}
MARKDOWN = {"peers", "pool"}
"""Those that print tables for a page rather than for a terminal."""


def machine() -> str:
    """Where and when."""
    date = dt.datetime.now(dt.UTC).date().isoformat()
    return f"{date}, {platform.system()}, {os.cpu_count()} processors, Python {platform.python_version()}"


def insert(name: str, text: str, page: Path = PAGE) -> None:
    """Put what a benchmark printed into its place in the page."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    told = f"{machine()}\n\n{lines}\n"
    if name not in MARKDOWN:
        told = f"```text\n{told}```\n"
    body = f"{start}\n{told}{end}"
    shown = page.read_text()
    if start not in shown:
        raise SystemExit(f"{page} has no place {start} for it.")
    page.write_text(re.sub(f"{start}.*?{end}", lambda _: body, shown, flags=re.DOTALL))


def main() -> None:
    """Measure what was chosen, and write it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(COMMANDS)}; by default all"
    )
    for name in parser.parse_args().names or COMMANDS:
        if name not in COMMANDS:
            parser.error(f"there is no {name!r}; use one of {', '.join(COMMANDS)}")
        print(f"== {name}", file=sys.stderr)
        # A limit that was missed is written down like any other figure: the exit code is no matter here.
        done = subprocess.run(COMMANDS[name], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  # ours
        if not done.stdout.strip():
            raise SystemExit(f"{name} printed nothing; its exit code is {done.returncode}.")
        insert(name, done.stdout)


if __name__ == "__main__":
    main()
