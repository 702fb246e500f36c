"""The collector's own redaction: for spans of programs that did none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest
from opentelemetry.util.types import AttributeValue

from browserwatch import semantics
from browserwatch.demo import ReceivedSpan
from tests.collector.collector import SINGLE, TO_FILE, running
from tests.collector.spans import Spans

pytestmark = pytest.mark.real

BEARER = "Bearer tok3n0123456789abcdef"
WORD = "hunter2-not-shaped-like-a-secret"
# By what they are called, whatever they are; and by their shape, wherever they are.
NAMED = ("password", "db.password", "http.request.header.authorization", "url.query", "x-api-key", "oauth.access_token")
SHAPED = (
    BEARER,
    "eyJhbGciOiJIUzI1NiJ9abc.payload0123.signature0123",
    "sk-proj-0123456789abcdef",
    "ghp_0123456789abcdefghij",
    "AIzaSy0123456789abcdefghij",
    "AKIAABCDEFGHIJKLMNOP",
)
SECRETS = (WORD, *(secret.rpartition(" ")[2] for secret in SHAPED))
OURS: Mapping[str, AttributeValue] = {
    semantics.RUN_OUTCOME: "success",
    semantics.GEN_AI_REQUEST_MODEL: "gpt-4.1-mini",
    semantics.URL_PATH: "/account/orders",
    semantics.GEN_AI_INPUT_TOKENS: 1200,
    semantics.RUN_COST_USD: 0.25,
    semantics.GEN_AI_FINISH_REASONS: ["stop"],
}


def planted() -> Spans:
    """Spans that tell secrets in every part that can hold text, and at last one of ours."""
    spans = Spans({"client.secret": WORD, "process.command_line": f"run {SHAPED[2]}"})
    spans.add("named", dict.fromkeys(NAMED, WORD))
    spans.add("shaped", {f"note.{number}": f"before {secret} after" for number, secret in enumerate(SHAPED)})
    spans.add("listed", {"headers": ["accept: */*", f"authorization: {BEARER}"]})
    for secret in SHAPED:
        spans.add(f"GET {secret}", error=f"refused: {secret}")
    spans.add("ours", OURS)
    return spans


class Left(NamedTuple):
    """What left the collector: traces in its file and as they read, and what Prometheus is shown."""

    text: str
    spans: list[ReceivedSpan]
    metrics: str


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    directory = tmp_path_factory.mktemp("collector")
    with running(directory, SINGLE, TO_FILE, OTELCOL_SAMPLING_PERCENTAGE="100") as collector:
        assert planted().send(collector.http)
        collector.until(lambda: bool(collector.written("ours")), "traces")
        collector.until(lambda: '"ours"' in collector.shown(), "span metrics")
        return Left(collector.traces.read_text(), collector.written("ours"), collector.shown())


def test_planted_secrets_reach_no_trace(left: Left) -> None:
    """Whether their key or their shape gives them away: in attributes, events, resource, names and messages."""
    assert not [secret for secret in SECRETS if secret in left.text]
    assert "GET ****" in left.text
    assert "refused: ****" in left.text


def test_planted_secrets_reach_no_metric(left: Left) -> None:
    """A span's name becomes a label, and redaction comes first."""
    assert not [secret for secret in SECRETS if secret in left.metrics]
    assert "GET ****" in left.metrics


def test_what_is_ours_passes_as_it_is(left: Left) -> None:
    """The attributes of a run, of whatever type, are none the poorer."""
    (ours,) = left.spans
    assert ours.attributes == OURS
