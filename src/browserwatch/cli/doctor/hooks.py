"""Which hooked places of browser-use exist: `python -m browserwatch.cli.doctor.hooks` prints it as JSON.

Nothing is patched: the places are only looked up, as `instrumentation.patching` does.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable

from browserwatch.instrumentation.patching import PatchPoint
from browserwatch.instrumentation.points import patch_points


def missing_hooks(points: Iterable[PatchPoint]) -> list[str]:
    """Names of the hooks whose method is not there."""
    return [point.hook for point in points if not _exists(point)]


def _exists(point: PatchPoint) -> bool:
    try:
        owner = getattr(importlib.import_module(point.module), point.owner, None)
    except ModuleNotFoundError:
        return False
    return isinstance(owner, type) and point.attribute in owner.__dict__


def main() -> None:
    """Print how many hooks there are and which are missing."""
    points = patch_points()
    print(json.dumps([len(points), missing_hooks(points)]))  # noqa: T201  # read by the check


if __name__ == "__main__":
    main()
