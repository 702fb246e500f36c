"""`otelcol validate` accepts what we ship, and the collector starts with it without a complaint."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collector.collector import SAMPLER, SINGLE, TO_FILE, running, validate

pytestmark = pytest.mark.real

# The balancer has tests of its own (test_gateway.py): the collector that we build lacks its exporter.
SHIPPED = ((SINGLE,), (SINGLE, TO_FILE), (SAMPLER,))


@pytest.mark.parametrize("configurations", SHIPPED, ids=("single", "single, traces to a file", "sampler"))
def test_accepts_what_we_ship(configurations: tuple[Path, ...]) -> None:
    """With the variables of the environment at their defaults."""
    done = validate(*configurations)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("tail_sampling, batch]", "tail_sampling, bach]", "bach"),
        ("decision_wait:", "decision_weight:", "decision_weight"),
        ("spike_limit_mib: ${env:OTELCOL_MEMORY_SPIKE_MIB:-128}", "spike_limit_mib: 1024", "memory_limiter"),
    ],
)
def test_refuses_a_broken_one(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """A processor that is not there, a setting that does not exist, values that contradict each other."""
    text = SINGLE.read_text()
    assert old in text
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace(old, new))
    done = validate(broken)
    assert done.returncode == 1
    assert complaint in done.stderr


@pytest.mark.parametrize("configurations", SHIPPED, ids=("single", "single, traces to a file", "sampler"))
def test_starts_without_a_complaint_and_on_loopback_alone(tmp_path: Path, configurations: tuple[Path, ...]) -> None:
    """No word of anything deprecated, and nobody else can reach it."""
    with running(tmp_path, *configurations) as collector:
        log = collector.log.read_text()
        assert not [
            line for line in log.splitlines() if "\twarn\t" in line or "\terror\t" in line or "deprecated" in line
        ]
        assert collector.listens_on() == {"127.0.0.1"}
