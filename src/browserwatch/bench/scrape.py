"""`browserwatch bench scrape`: what rendering `/metrics` takes, and how long it holds up the event loop, against series.

The one that scrapes is this process, the one that renders another: its processor time is the cost.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import httpx
import msgspec

from browserwatch.bench.programs import serving
from browserwatch.bench.receiver import OPENMETRICS
from browserwatch.bench.scrape_target import PLACES, READING, Places, Reading
from browserwatch.bench.tables import Spread
from browserwatch.settings.library import Settings

GUARD: Final = int(Settings.model_fields["max_series"].default)
FORMS: Final = {
    "text": "text/plain; version=0.0.4",
    "OpenMetrics": OPENMETRICS,
    # What Prometheus asks for since its version 3. That it takes any name saves the library the look at each letter.
    "OpenMetrics, UTF-8": f"{OPENMETRICS}; escaping=allow-utf-8",
}
PROMETHEUS: Final = "OpenMetrics, UTF-8"
SCRAPE_SECONDS: Final = 15.0
"""Prometheus's usual time between two scrapes, for the share of a processor."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to scrape: who answers, and what is asked for."""

    place: str
    form: str = PROMETHEUS

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.place}, {self.form}"


WAYS: Final = (
    Way("ours", "text"),
    Way("ours", "OpenMetrics"),
    Way("ours"),
    Way("server"),
    Way("library", "OpenMetrics"),
    Way("library"),
)


@dataclass(frozen=True, slots=True)
class Effort:
    """What is measured: series that the guard allows (0: only the fixed ones), and scrapes in each of some rounds."""

    series: Sequence[int] = (0, GUARD, 10_000)
    rounds: int = 5
    scrapes: int = 3


QUICK: Final = Effort(series=(0,), rounds=1, scrapes=1)


@dataclass(slots=True)
class Scraped:
    """What was found for a way and a number of series; seconds of one scrape, each the middle of a round."""

    series: int = 0
    bytes: int = 0
    """As sent."""
    cpu_seconds: list[float] = field(default_factory=list[float])
    wall_seconds: list[float] = field(default_factory=list[float])
    stall_seconds: list[float] = field(default_factory=list[float])
    """The longest of a round."""
    quiet_seconds: list[float] = field(default_factory=list[float])
    """The longest of a round without scrapes, which is what the machine does."""

    def report(self) -> dict[str, Any]:
        """As JSON."""
        spreads = {name: asdict(Spread.of(getattr(self, name))) for name in SECONDS}
        share = Spread.of(self.cpu_seconds).median / SCRAPE_SECONDS
        return {"series": self.series, "bytes": self.bytes, "processor_share": share, **spreads}


SECONDS: Final = ("cpu_seconds", "wall_seconds", "stall_seconds", "quiet_seconds")


class Target:
    """A program that serves metrics.

    Args:
        url: its address.
        client: asks it.
    """

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url
        self._client = client
        self._places = msgspec.json.decode(client.get(f"{url}{PLACES}").content, type=Places)

    def round(self, way: Way, scrapes: int, scraped: Scraped) -> None:
        """Scrape some times for the processor time, as often for the event loop, and as long not at all."""
        before = self._reading()
        walls = [self._scrape(way, scraped) for _ in range(scrapes)]
        scraped.cpu_seconds.append((self._reading(watch=True).cpu_seconds - before.cpu_seconds) / scrapes)
        scraped.wall_seconds.append(Spread.of(walls).median)
        for _ in range(scrapes):
            self._scrape(way, scraped)
        scraped.stall_seconds.append(self._reading(watch=True).stall_seconds)
        time.sleep(sum(walls))
        scraped.quiet_seconds.append(self._reading().stall_seconds)

    def _scrape(self, way: Way, scraped: Scraped) -> float:
        started = time.perf_counter()
        url = getattr(self._places, way.place)
        answer = self._client.get(url, headers={"accept": FORMS[way.form], "accept-encoding": "identity"})
        took = time.perf_counter() - started
        answer.raise_for_status()
        scraped.bytes = answer.num_bytes_downloaded
        scraped.series = sum(not line.startswith(b"#") for line in answer.content.splitlines())
        return took

    def _reading(self, *, watch: bool = False) -> Reading:
        answer = self._client.get(f"{self._url}{READING}", params={"watch": "1"} if watch else {})
        return msgspec.json.decode(answer.content, type=Reading)


def measure(effort: Effort, told: Callable[[int], object] = lambda _: None) -> dict[tuple[int, Way], Scraped]:
    """Measure all ways, in turns.

    Args:
        effort: what, and how often.
        told: called with the series of each round that is done.

    Raises:
        BenchError: a program failed.
    """
    found: defaultdict[tuple[int, Way], Scraped] = defaultdict(Scraped)
    for series in effort.series:
        with ExitStack() as stack:
            url = stack.enter_context(serving("browserwatch.bench.scrape_target", "--series", str(series)))
            target = Target(url, stack.enter_context(httpx.Client(trust_env=False, timeout=60)))
            for way in WAYS:
                target.round(way, 1, Scraped())  # the first is slower
            for _ in range(effort.rounds):
                for way in WAYS:
                    target.round(way, effort.scrapes, found[series, way])
                told(series)
    return dict(found)


def report(found: Mapping[tuple[int, Way], Scraped]) -> list[dict[str, Any]]:
    """As JSON."""
    return [{**asdict(way), **scraped.report()} for (_, way), scraped in found.items()]
