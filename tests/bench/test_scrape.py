"""`browserwatch bench scrape`: that it works and counts rightly. No time is a pass mark here."""

import json
from pathlib import Path

import httpx
import msgspec
import pytest
from prometheus_client import generate_latest

from browserwatch.bench import scrape
from browserwatch.bench.programs import serving
from browserwatch.bench.scrape import GUARD, Scraped, Way
from browserwatch.bench.scrape_target import PLACES, READING, Places, Reading, filled
from browserwatch.cli.bench.parts import run_scrape

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def found() -> dict[tuple[int, Way], Scraped]:
    return scrape.measure(scrape.QUICK)


def test_every_way_shows_the_same_series(found: dict[tuple[int, Way], Scraped]) -> None:
    """Formats and servers differ, not what they show."""
    assert len(found) == len(scrape.WAYS)
    assert len({scraped.series for scraped in found.values()}) == 1


def test_bytes_are_those_that_were_sent(found: dict[tuple[int, Way], Scraped]) -> None:
    """They are as many whoever serves: ours writes what the library does."""
    sizes = {way: scraped.bytes for (_, way), scraped in found.items()}
    assert sizes[Way("ours")] == sizes[Way("server")] == sizes[Way("library")]
    assert sizes[Way("ours", "OpenMetrics")] == sizes[Way("library", "OpenMetrics")]


def test_everything_is_measured(found: dict[tuple[int, Way], Scraped]) -> None:
    """Processor time, time to the answer, and how late the loop was, with scrapes and without; it may be punctual."""
    for told in scrape.report(found):
        assert told["cpu_seconds"]["least"] > 0
        assert told["wall_seconds"]["least"] > 0
        assert told["stall_seconds"]["least"] >= 0
        assert told["quiet_seconds"]["least"] >= 0


def test_the_guard_is_filled() -> None:
    """There are so many series as the guard allows, give or take what folds into ``other``."""
    lines = generate_latest(filled(GUARD)).decode().splitlines()
    series = sum(not line.startswith("#") for line in lines)
    assert GUARD - 60 < series < GUARD + 60


def test_the_loop_is_watched_only_when_wanted() -> None:
    """Watching costs, so what processor time is read for is not watched."""
    with serving("browserwatch.bench.scrape_target") as url, httpx.Client(base_url=url, trust_env=False) as client:

        def reading(*, watch: bool) -> Reading:
            answer = client.get(READING, params={"watch": "1"} if watch else {})
            return msgspec.json.decode(answer.content, type=Reading)

        places = msgspec.json.decode(client.get(PLACES).content, type=Places)
        assert reading(watch=True).stall_seconds == 0
        client.get(places.library)
        assert reading(watch=False).stall_seconds > 0
        client.get(places.library)
        assert reading(watch=False).stall_seconds == 0


def test_the_command_prints_and_writes(
    found: dict[tuple[int, Way], Scraped],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A table, and a report with machine and date."""

    def measured(*_: object) -> dict[tuple[int, Way], Scraped]:
        return found

    monkeypatch.setattr(scrape, "measure", measured)
    assert run_scrape(tmp_path / "scrape.json", quick=True) == 0
    assert "loop late" in capsys.readouterr().out
    written = json.loads((tmp_path / "scrape.json").read_text())
    assert written["benchmark"] == "scrape"
    assert [told["place"] for told in written["found"]] == [way.place for way in scrape.WAYS]
