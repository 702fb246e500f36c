"""The little that the scripted model remembers: recent requests, and how often a faulty step was asked for."""

from collections import OrderedDict

import msgspec
from starlette.datastructures import Headers

from browserwatch.demo.prompts import Purpose
from browserwatch.demo.scenarios import Fault

_KEPT_COUNTS = 1024
_SECRET_HEADERS = {"authorization", "x-api-key"}


class RecordedRequest(msgspec.Struct, frozen=True):
    """One request that the server answered, for tests to look at.

    Attributes:
        path: Its path, which tells the API.
        headers: Its headers, names in lower case; those with keys are masked.
        body: Its body, as sent.
        status: The answer's HTTP status; 0 for a dropped connection.
        purpose: What it asked for; None when it couldn't be read.
        scenario: The scenario that answered it; None when there was none.
        step: The agent's step, from 1; None unless a step was asked for.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    purpose: Purpose | None = None
    scenario: str | None = None
    step: int | None = None


def masked(headers: Headers) -> dict[str, str]:
    """The headers without the keys in them."""
    return {name: "***" if name in _SECRET_HEADERS else value for name, value in headers.items()}


class Attempts:
    """How often each step was asked for, so that a fault can hit the first calls only. Bounded."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str, int], int] = OrderedDict()

    def due(self, key: tuple[str, str, int], fault: Fault | None) -> Fault | None:
        """The step's fault, if it hits this call too; counts the call."""
        if fault is None or fault.times is None:
            return fault
        count = self._counts.pop(key, 0)
        if count >= fault.times:
            return None  # forgotten, so that the next run meets the fault again
        self._counts[key] = count + 1
        while len(self._counts) > _KEPT_COUNTS:
            self._counts.popitem(last=False)
        return fault
