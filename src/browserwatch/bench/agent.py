"""What the benchmarks' agents have in common, whatever browser and model they get."""

from __future__ import annotations

from typing import Any, Final

PLAIN: Final[dict[str, Any]] = {
    "use_judge": False,
    "use_vision": False,
    "directly_open_url": False,
    "enable_signal_handler": False,
}
"""Options of `browser_use.Agent` for scripted work: nothing is done that the script does not say."""


def step_seconds(history: Any) -> list[float]:
    """The seconds of each step, from what `Agent.run` returned."""
    return [item.metadata.duration_seconds for item in getattr(history, "history", ()) if item.metadata]
