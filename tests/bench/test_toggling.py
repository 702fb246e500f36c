"""Turns with and without an arm: in which order, and what is not measured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Metric

from browserwatch import start_metrics_server
from browserwatch.bench.arms import Installed
from browserwatch.bench.receiver import receiving
from browserwatch.bench.toggling import Toggle


class _Diary:
    """Writes down what happens; work, an arm and its metrics at once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_on = False

    def describe(self) -> Iterator[Metric]:
        """No metric is there."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """A scrape."""
        self.lines.append("scrape")
        return iter(())

    async def work(self) -> list[float]:
        """A turn of one step."""
        self.lines.append("on" if self.is_on else "off")
        return [1.0]

    def install(self, _: str) -> Installed:
        """Switch on."""
        registry = CollectorRegistry()
        registry.register(self)
        server = start_metrics_server(0, registry=registry)
        self.is_on = True

        def uninstall() -> None:
            server.close()
            self.is_on = False

        return Installed(flush=lambda: self.lines.append("flush"), uninstall=uninstall, metrics_url=server.url)


@pytest.mark.real
async def test_a_switch_is_followed_by_a_turn_and_a_scrape_that_are_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes once in a program's life is no part of what watching costs; then two turns are, of two pairs."""
    diary = _Diary()
    with receiving() as receiver:
        monkeypatch.setattr(receiver, "keep_scraping", str)  # those every five seconds would come in between
        pairs = Toggle(diary.install, receiver).pairs(diary.work)
        found = [await anext(pairs) for _ in range(3)]
        await pairs.aclose()
    first = ["off", "on", "scrape", "flush", "on", "flush"]
    second = ["flush", "on", "flush", "off", "off"]
    assert diary.lines == [*first, *second, *first]
    assert [(pair.off.steps, pair.on.steps) for pair in found] == [(1, 1)] * 3
    assert not diary.is_on  # the end of the pairs switched it off
