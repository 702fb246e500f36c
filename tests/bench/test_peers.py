"""The comparison with peers: its table, its search for secrets, its switch, and what happens when a peer can't be had."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.peers import environments, measuring
from bench.peers import peer as peers
from bench.peers.__main__ import available
from bench.peers.environments import ENVIRONMENTS, UnavailableError, interpreter
from bench.peers.peer import PEERS, ROOT, Arm, Peer
from bench.peers.plants import PLANTS, Found
from bench.peers.swapping import Swap
from bench.peers.table import leaked, table
from browserwatch.bench.programs import BenchError

TASK = PLANTS["task"]
PROTOBUF = {"content-type": "application/x-protobuf"}


def _report(**leaks: list[str]) -> dict[str, Any]:
    estimate = {"value": 0.0012, "low": 0.001, "high": 0.0014}
    return {
        "loop": estimate,
        "process": {**estimate, "value": 0.0025},
        "spans": 3.2,
        "bytes": 1730.0,
        "memory_bytes": 6 * 2**20,
        "without": 0.0124,
        "version": "1.2.3",
        "licence": "Apache-2.0",
        "leaks": {**{name: list[str]() for name in PLANTS}, **leaks},
        "refused": {"prices.example": 1},
    }


def _export(**attributes: str) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="step")
    for key, value in attributes.items():
        span.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


def test_the_table_has_a_row_for_each_arm() -> None:
    """Figures with their interval, in the units of its head."""
    text = table({"ours": _report(), "theirs": _report()})
    assert "| ours | 1.20 [1.00, 1.40] | 2.50 [1.00, 1.40] | 3.2 | 1.7 | +6 | 12.4 | none |" in text
    assert "- theirs: 1.2.3, Apache-2.0" in text


def test_the_table_says_which_secret_went_where() -> None:
    """In the row by name, below it by place; hosts that were asked for are named, too."""
    text = table({"theirs": _report(task=["/v1/traces > step > input"])})
    assert "| task |" in text
    assert "- theirs exported the task in /v1/traces > step > input" in text
    assert "- theirs asked for prices.example, and was refused (1x)" in text


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_secret_is_found_in_an_attribute(compress: Callable[[bytes], bytes]) -> None:
    """Compressed or not; the span and the attribute are named, and the spans are counted."""
    found = Found()
    encoding = {"content-encoding": "gzip"} if compress is gzip.compress else {}
    found.take("/v1/traces", {**PROTOBUF, **encoding}, compress(_export(input=f"go, {TASK}!", model="gpt")))
    assert found.report()["names"] == {"step": 1}
    assert found.report()["leaks"] == {**{name: [] for name in PLANTS}, "task": ["/v1/traces > step > input"]}


@pytest.mark.parametrize(
    ("content_type", "body", "place"),
    [
        ("application/json", json.dumps({"events": [{"page": TASK}]}).encode(), "/v1/other > page"),
        ("application/octet-stream", b"\x00\xff" + TASK.encode(), "/v1/other"),
        ("application/json", b"not JSON " + TASK.encode(), "/v1/other"),
    ],
)
def test_a_secret_is_found_in_what_is_not_otlp(content_type: str, body: bytes, place: str) -> None:
    """A peer may send more than spans."""
    found = Found()
    found.take("/v1/other", {"content-type": content_type}, body)
    assert found.report()["leaks"]["task"] == [place]


def test_a_secret_is_found_in_a_header() -> None:
    """Those of the export itself are looked at as well."""
    found = Found()
    found.take("/v1/traces", {**PROTOBUF, "x-task": TASK}, _export())
    assert found.report()["leaks"]["task"] == ["header x-task"]


def test_nothing_is_found_where_nothing_is() -> None:
    """Names alone are no leak."""
    found = Found()
    found.take("/v1/traces", PROTOBUF, _export(task="Look at the shop."))
    assert leaked(found.report()) == []


def test_a_swap_takes_off_what_an_installation_put_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods and functions of others, and not the installation's own state."""
    target: Any = ModuleType("peer_target")
    own: Any = ModuleType("peer_own")
    target.__dict__.update(Agent=type("Agent", (), {"__module__": "peer_target", "run": len}), call=len)
    own.__dict__["state"] = len
    monkeypatch.setitem(sys.modules, "peer_target", target)
    monkeypatch.setitem(sys.modules, "peer_own", own)

    def install() -> None:
        target.Agent.run, target.call, own.state = max, max, max

    def state() -> list[object]:
        return [target.Agent.run, target.call, own.state]

    swap = Swap(install, ("peer_own",))
    assert state() == [max, max, max]
    swap.take_off()
    assert state() == [len, len, max]
    swap.put_on()
    assert state() == [max, max, max]


def test_the_guard_lets_nobody_out() -> None:
    """Other hosts are refused before a name is looked up, and noted; this machine is reached."""
    tried = """
import socket
from bench.peers.guard import REFUSED, guard
guard()
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
for address in ("prices.example", 443), ("192.0.2.1", 443):
    try:
        socket.create_connection(address, timeout=1)
    except OSError as error:
        assert "this machine only" in str(error), error
print(dict(REFUSED))
"""
    done = subprocess.run([sys.executable, "-c", tried], check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "{'prices.example': 1, '192.0.2.1': 1}", done.stderr


def test_a_peer_without_requirement_file_is_skipped_with_a_word() -> None:
    """The others are measured all the same."""
    arms, skipped = available([Peer("nobody", "nobody", ("defaults",))])
    assert arms == []
    assert skipped["nobody"].startswith("nobody has no requirement file")


def test_a_peer_that_cannot_be_installed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the installer's own last words, and no environment counts as made."""
    (tmp_path / "broken.txt").write_text("==nothing\n")
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    with pytest.raises(UnavailableError, match="broken can't be installed: "):
        interpreter(Peer("broken", "broken", ()), tmp_path)
    assert not (tmp_path / "broken" / "installed").exists()


def test_a_peer_that_cannot_be_imported_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a newer browser-use has moved what it patches."""
    here = tmp_path / "strange"
    (here / "bin").mkdir(parents=True)
    (here / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "strange.txt").write_text("")
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    strange = Peer("strange", "strange", ())
    (here / "installed").write_text(environments.digest(strange))
    with pytest.raises(UnavailableError, match=r"strange can't be imported: .*bench\.peers\.strange"):
        interpreter(strange, tmp_path)


def test_an_arm_that_fails_does_not_end_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with the others' figures, and not tried again."""
    tried: list[str] = []

    def fail(arm: Arm, *_: object, **__: object) -> None:
        tried.append(arm.name)
        if arm.name == "bad":
            raise BenchError("it broke")

    monkeypatch.setattr(measuring, "measure_one", fail)
    arms = [Arm(name, "", sys.executable, "") for name in ("good", "bad")]
    found, failed = measuring.measure(arms, 4, 2, lambda _: None)
    assert list(found) == ["good"]
    assert failed == {"bad": "it broke"}
    assert tried == ["good", "bad", "good"]


@pytest.mark.real
def test_ours_exports_no_secret() -> None:
    """None of those that are planted; with content, what the model types is told, which shows that plants are found."""
    assert leaked(_planted(sys.executable, "browserwatch.bench.arms:everything")) == []
    assert leaked(_planted(sys.executable, "browserwatch.bench.arms:with_content")) == ["typed text"]


@pytest.mark.real
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_sees_the_canned_work(peer: Peer) -> None:
    """Its hooks are on the way of the run: at least one span a step. Only where `python -m bench.peers` has been."""
    if not (ENVIRONMENTS / peer.name / "installed").exists():
        pytest.skip(f"{peer.name} is in no lock of ours: python -m bench.peers makes its environment")
    python = interpreter(peer)
    for arm in peer.arms:
        assert sum(_planted(python, f"{peer.module}:{arm}")["names"].values()) >= 10


def _planted(python: str, arm: str) -> dict[str, Any]:
    command = [python, "-m", "bench.peers.planted", "--arm", arm]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
