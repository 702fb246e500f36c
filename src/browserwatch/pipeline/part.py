"""What a part of the pipeline is: a program, how it is started, and where it says that it is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from browserwatch.errors import BrowserwatchError


class PipelineError(BrowserwatchError):
    """The pipeline can't be started; the message names the part and has its last words."""


class Missing(NamedTuple):
    """A part whose program is not on this machine."""

    name: str
    without: str
    """What there is not without it."""

    how: str
    """How to get it."""


def nothing_more(_: Any) -> str:
    """No detail."""
    return ""


@dataclass(frozen=True, slots=True)
class Part:
    """One program.

    Attributes:
        name: what people call it.
        address: where people go.
        health: address that answers with a status below 500 when it is well.
        program: its executable.
        arguments: its arguments.
        environment: variables on top of ours.
        grace: seconds that it has to end.
        detail: what to say about it, from the JSON that the health address gives.
    """

    name: str
    address: str
    health: str
    program: Path
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    grace: float = 10.0
    detail: Callable[[Any], str] = nothing_more
