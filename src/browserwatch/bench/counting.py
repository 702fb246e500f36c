"""How often something is called."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge, Histogram

METRIC_OPERATIONS: Final = (
    (PrometheusCounter, "inc"),
    (Gauge, "inc"),
    (Gauge, "dec"),
    (Gauge, "set"),
    (Histogram, "observe"),
)


@contextmanager
def calls_of(methods: Sequence[tuple[Any, str]]) -> Generator[Counter[str]]:
    """Count the calls of methods, by ``Class.method``, for the length of the block."""
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        for owner, name in methods:
            _count(owner, name, counts, stack)
        yield counts


@contextmanager
def function_calls() -> Generator[Callable[[], int]]:
    """Count the calls of all functions in this thread, in Python and in C, for the length of the block.

    Unlike processor time it is nearly the same each time, on each machine: it shows what a change of the code adds.
    """
    calls = 0

    def look(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(look)
    try:
        yield lambda: calls
    finally:
        sys.setprofile(None)


def _count(owner: Any, name: str, counts: Counter[str], stack: ExitStack) -> None:
    original = owner.__dict__[name]

    def counted(*args: Any, **kwargs: Any) -> Any:
        counts[f"{owner.__name__}.{name}"] += 1
        return original.__get__(args[0], owner)(*args[1:], **kwargs)

    setattr(owner, name, counted)
    stack.callback(setattr, owner, name, original)
