"""Write dashboards and rules below deploy/, or check that they are up to date: `python scripts/dashboards.py [--check]`."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from browserwatch.dashboards.generate import generated

DIRECTORY = Path(__file__).parent.parent / "deploy"
# Only generated files are in these.
OWNED = ("grafana/dashboards/*.json", "prometheus/rules/*.yaml", "prometheus/alerts/*.yaml")


def stale(wanted: dict[str, str]) -> dict[Path, str]:
    """Files that are not as the code has them, with what would change."""
    there = {path for pattern in OWNED for path in DIRECTORY.glob(pattern)}
    paths = there | {DIRECTORY / name for name in wanted}
    return {path: change for path in sorted(paths) if (change := difference(path, wanted))}


def difference(path: Path, wanted: dict[str, str]) -> str:
    """What would change in a file, as a unified diff."""
    name = path.relative_to(DIRECTORY).as_posix()
    old = path.read_text() if path.exists() else ""
    lines = difflib.unified_diff(
        old.splitlines(), wanted.get(name, "").splitlines(), f"deploy/{name}", "generated", n=1
    )
    return "\n".join(lines)


def main() -> int:
    """Write the files, or say which are out of date."""
    wanted = generated()
    changes = stale(wanted)
    if "--check" in sys.argv:
        for change in changes.values():
            sys.stderr.write(change + "\n")
        if changes:
            sys.stderr.write("Out of date. Run: python scripts/dashboards.py\n")
        return 1 if changes else 0
    for path in changes:
        name = path.relative_to(DIRECTORY).as_posix()
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name])
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
