"""`browserwatch bench batch`: that it works and that its accounts are right. No time is a pass mark here."""

import dataclasses
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from browserwatch.bench import batch, batch_report
from browserwatch.bench.batch import Found
from browserwatch.bench.span_load import BURST
from browserwatch.cli.bench.parts import run_batch

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def found() -> Found:
    return batch.measure(batch.QUICK)


def of_queue(found: Found, queue: int) -> batch.Bursts:
    """What was found for a queue, without compression."""
    return next(one for one in found.bursts if one.queue == queue)


def test_every_span_of_a_burst_is_accounted_for(found: Found) -> None:
    """Exported, dropped and failed ones are those that ended, whether the receiver answers or not."""
    for one in found.bursts:
        for burst in (one.unanswered, *one.answered):
            assert burst.ended == BURST
            assert burst.exported + burst.dropped + burst.failed == burst.ended


def test_what_is_counted_as_exported_has_arrived(found: Found) -> None:
    """The counter of the program and that of the receiver agree."""
    for one in (*found.bursts, *found.compressions):
        assert one.account["exported"] == one.arrived > 0


def test_the_default_queue_keeps_a_burst(found: Found) -> None:
    """4,000 spans at once lose none, even while nobody takes them."""
    one = of_queue(found, 4096)
    assert one.is_default
    assert one.lost().most == 0
    assert one.unanswered.exported == BURST
    assert all(verdict.met for verdict in found.verdicts())


def test_a_small_queue_loses_spans_and_says_so(found: Found) -> None:
    """Of 512, what fits neither the queue nor the batch on the wire is counted as dropped."""
    one = of_queue(found, 512)
    assert one.unanswered.dropped == BURST - 512 - 512
    assert one.lost().least > 0
    assert one.account["dropped_queue_full"] > one.unanswered.dropped


def test_steps_of_agents_arrive(found: Found) -> None:
    """Under a load as agents make it nothing is lost, and it is known how late spans came."""
    (steadiness,) = found.steady
    assert steadiness.steady.dropped == 0
    assert 0 < steadiness.steady.latency_p50 <= steadiness.steady.latency_p99


def test_a_loss_with_the_defaults_is_a_failure(found: Found) -> None:
    """The verdict can be negative: it looks at the default queue only."""
    small = of_queue(found, 512)
    worse = Found(bursts=[dataclasses.replace(small, queue=4096)])
    assert [verdict.met for verdict in worse.verdicts()] == [False, True]


def test_the_command_prints_and_writes(
    found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table, a report with machine and date, and a picture."""

    def measured(*_: object) -> Found:
        return found

    monkeypatch.setattr(batch, "measure", measured)
    report, plot = tmp_path / "batch.json", tmp_path / "batch.svg"
    assert run_batch(report, plot, quick=True) == 0
    shown = capsys.readouterr().out
    assert "4,000 spans at once" in shown
    assert "lost of 4000 spans at once, with the defaults" in shown
    written = json.loads(report.read_text())
    assert written["benchmark"] == "batch"
    assert written["machine"]["date"]
    assert len(written["found"]["bursts"]) == len(found.bursts)
    assert plot.read_text().startswith("<?xml")


def test_defaults_are_marked(found: Found) -> None:
    """The row of the defaults stands out."""
    shown = io.StringIO()
    batch_report.show(Console(width=140, force_terminal=True, color_system="standard", file=shown), found)
    assert [line.split()[0] for line in shown.getvalue().splitlines() if line.startswith("\x1b[1m4096")]
    assert not [line for line in shown.getvalue().splitlines() if line.startswith("\x1b[1m512")]
