"""What each run is doing now, told by the events that the service streams."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from browserwatch.cli.run import Narrator

WAITING: Final = "waiting for an agent"


@dataclass(slots=True)
class Row:
    """One run."""

    name: str
    step: int = 0
    outcome: str = ""
    doing: str = WAITING
    started: float | None = None
    ended: float | None = None
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    narrator: Narrator = field(default_factory=Narrator)

    @property
    def seconds(self) -> float:
        """Time since it got its agent, or until its end."""
        if self.started is None:
            return 0.0
        return (time.monotonic() if self.ended is None else self.ended) - self.started


class Board:
    """A row for each run, kept up to date by its events.

    Args:
        names: the runs, in the order to show them.
        tell: takes a line for each step and each run that ends.
    """

    def __init__(self, names: tuple[str, ...], tell: Callable[[str], None] = lambda _: None) -> None:
        self.rows = {name: Row(name) for name in names}
        self._tell = tell
        self._lock = threading.Lock()

    def hear(self, name: str, kind: str, data: dict[str, Any]) -> None:
        """Take an event of a run."""
        row = self.rows[name]
        with self._lock:
            if kind == "run.started":
                row.started, row.doing = time.monotonic(), "getting ready"
            elif kind == "model_call":
                row.doing = "acting"
            elif kind == "action":
                row.doing = str(data.get("action", ""))
            elif kind == "step":
                row.step, row.doing = int(data.get("number", row.step + 1)), "asking the model"
                row.steps.append(data)
            elif kind == "run.finished":
                row.ended = time.monotonic()
                row.outcome = str(data.get("outcome") or data.get("state"))
            if line := row.narrator.line(kind, data):
                self._tell(f"{name}: {line}")
