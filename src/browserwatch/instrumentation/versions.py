"""Which browser-use this is, and whether it is one we have tested."""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from packaging.version import InvalidVersion, Version

logger: Final = logging.getLogger("browserwatch.instrumentation")

OLDEST: Final = "0.9.7"
NEWEST: Final = "0.13.14"


@lru_cache(maxsize=1)
def installed_version() -> str:
    """Version of browser-use, or ``unknown``. Read from its package's files once: every new connection asks."""
    try:
        return version("browser-use")
    except PackageNotFoundError:
        return "unknown"


def is_tested(found: str) -> bool:
    """Whether a version lies in the range that the tests cover, patch releases after the newest included."""
    try:
        parsed = Version(found)
    except InvalidVersion:
        return False
    newest = Version(NEWEST)
    return Version(OLDEST) <= parsed and parsed.release[:2] <= newest.release[:2]


def warn_if_untested() -> None:
    """One warning when the installed browser-use is outside the tested range."""
    found = installed_version()
    if not is_tested(found):
        logger.warning(
            "browser-use %s is outside the tested range %s to %s; hooks that fit are used, missing ones are reported.",
            found,
            OLDEST,
            NEWEST,
        )
