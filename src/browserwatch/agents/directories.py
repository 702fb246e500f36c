"""The agents' own directories, in a data directory that one service at a time uses."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Final

from browserwatch.agents.orphans import end_processes_in
from browserwatch.errors import ConfigurationError
from browserwatch.sessions.directory_lock import FileLock

ATTEMPTS: Final = 5
RETRY_SECONDS: Final = 0.1
_log = logging.getLogger(__name__)


class AgentDirectories:
    """Where agents work: ``agents/ID`` in the data directory. Its methods block for short; call them in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()
        self._lock = FileLock(self._data_dir / "service.lock")
        self._root = self._data_dir / "agents"

    def enter(self) -> int:
        """Take the data directory, and end and remove what an earlier service left in it; how many processes there were.

        Raises:
            ConfigurationError: another service uses it, or it can't be written to.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._root.mkdir(exist_ok=True, mode=0o700)
            taken = self._lock.take()
        except OSError as error:
            raise self._unusable(error) from None
        if not taken:
            raise ConfigurationError(
                f"BROWSERWATCH_DATA_DIR={str(self._data_dir)!r} is in use by another browserwatch service;"
                " stop that one, or give this one a directory of its own."
            )
        try:
            ended = end_processes_in(self._root)
            for left in self._root.iterdir():
                remove(left)
        except BaseException:
            self.leave()
            raise
        return ended

    def leave(self) -> None:
        """Let another service use it."""
        self._lock.drop()

    def make(self, agent_id: str) -> Path:
        """A new, empty directory.

        Raises:
            ConfigurationError: it can't be made.
        """
        directory = self._root / agent_id
        try:
            directory.mkdir(mode=0o700)
        except OSError as error:
            raise self._unusable(error) from None
        return directory

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"BROWSERWATCH_DATA_DIR={str(self._data_dir)!r} can't be used for agents: {error.strerror};"
            " give a directory that this user can write to."
        )


def remove(directory: Path) -> None:
    """Remove a directory and all in it. A browser that just ended may still have been writing: it is tried again."""
    for _ in range(ATTEMPTS):
        try:
            shutil.rmtree(directory)
        except FileNotFoundError:
            if not directory.exists():
                return
        except NotADirectoryError:
            directory.unlink(missing_ok=True)
            return
        except OSError:
            time.sleep(RETRY_SECONDS)
        else:
            return
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        _log.warning("%s can't be removed; the next start of the service tries again", directory)
