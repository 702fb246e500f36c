"""What the user asked of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """The demo's command line."""

    serve: bool = False
    port: int = 0
    record: Path | None = None
