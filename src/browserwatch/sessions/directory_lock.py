"""Locks on a data directory that end with their holder, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """An exclusive lock on a file. A child that inherits `fileno` holds it too, after its parent is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Try to take it; whether it is ours now."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    @property
    def fileno(self) -> int:
        """The descriptor to hand to a child."""
        if self._file is None:
            raise RuntimeError(f"{self._path} is not locked")
        return self._file

    def drop(self) -> None:
        """Let go, as far as this process holds it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
