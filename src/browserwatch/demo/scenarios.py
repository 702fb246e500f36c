"""What the scripted model says, as data: scenarios, their steps, and the faults a step may play."""

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from browserwatch.demo.errors import DemoError

DEFAULT = "default"

FaultKind = Literal["rate-limit", "server-error", "invalid-json", "schema-mismatch", "dropped", "slow"]


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A typo in a scenario file must be an error, not a default."""


class Usage(_Data, frozen=True):
    """The tokens an answer claims to have cost.

    Attributes:
        prompt: Tokens of the prompt, those from the cache included.
        completion: Tokens of the answer.
        cached: Tokens of the prompt that came from the cache.
    """

    prompt: int = 1200
    completion: int = 60
    cached: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.cached <= self.prompt or self.completion < 0:
            raise ValueError("usage must have 0 <= cached <= prompt and 0 <= completion")


class Fault(_Data, frozen=True):
    """How a step goes wrong.

    Attributes:
        kind: `rate-limit` is HTTP 429, `server-error` HTTP 500, `dropped` a connection cut in mid-answer;
            `invalid-json` and `schema-mismatch` are answers the agent can't use; `slow` only waits.
        times: How many calls of this step it hits before the step is answered well; None is every one.
        seconds: A wait before it, beside the latency.
        retry_after: Seconds after which a 429 or 500 asks the client to try again.
    """

    kind: FaultKind
    times: int | None = None
    seconds: float = 0.0
    retry_after: float | None = None


class Verdict(_Data, frozen=True):
    """What the judge says; the fields are those of browser-use's `JudgementResult`."""

    verdict: bool = True
    reasoning: str = "The agent did what was asked."
    failure_reason: str = ""
    impossible_task: bool = False
    reached_captcha: bool = False


class Step(_Data, frozen=True):
    """One answer of the model.

    Attributes:
        actions: browser-use's actions, one name with its parameters each. In parameters, `{site}` becomes the
            site that the task names, `"element": "#id"` the `index` of that element, and `"tab": "/path"` the
            `tab_id` of the tab whose URL contains it.
        goal: What the model says it is after.
        fault: How the step goes wrong, if it does.
        latency: Seconds until the answer, instead of the scenario's.
        usage: Tokens of the answer, instead of the scenario's.
    """

    actions: tuple[dict[str, dict[str, Any]], ...] = ()
    goal: str = ""
    fault: Fault | None = None
    latency: float | None = None
    usage: Usage | None = None

    def __post_init__(self) -> None:
        if not self.actions and self.fault is None:
            raise ValueError("a step needs actions, a fault or both")
        if any(len(action) != 1 for action in self.actions):
            raise ValueError('an action is one name with its parameters, e.g. {"click": {"element": "#home"}}')


class Scenario(_Data, frozen=True):
    """A whole run of the model.

    Attributes:
        name: What a task chooses it by, as in `[scenario: shop-login]`.
        steps: The answers, one per step of the agent; the last one repeats.
        description: What it shows.
        latency: Seconds until an answer; None is the server's.
        usage: Tokens of each answer.
        judge: What the judge says at the end.
        extraction: The reply to `extract` calls: text, or data for extraction by schema.
        gives_up: Whether the model obeys when only `done` is allowed any more (the last step, or after
            failures). If not, it goes on as scripted and the run ends without an answer.
    """

    name: str
    steps: tuple[Step, ...]
    description: str = ""
    latency: float | None = None
    usage: Usage = Usage()
    judge: Verdict = Verdict()
    extraction: str | dict[str, Any] = "The page has nothing to extract."
    gives_up: bool = True

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError(f"scenario {self.name!r} needs at least one step")

    def step(self, number: int) -> Step:
        """The step for the agent's step number, which counts from 1."""
        return self.steps[min(max(number, 1), len(self.steps)) - 1]


def parse_scenarios(text: str | bytes, source: str = "scenarios") -> tuple[Scenario, ...]:
    """Read scenarios from JSON: a list of objects with the fields of `Scenario`.

    Raises:
        DemoError: The JSON is broken or a scenario is; the message says where.
    """
    try:
        scenarios = msgspec.json.decode(text, type=tuple[Scenario, ...])
    except msgspec.DecodeError as error:
        raise DemoError(f"{source}: {error}") from error
    names = [scenario.name for scenario in scenarios]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DemoError(f"{source}: more than one scenario is called {repeated[0]!r}; rename one")
    return scenarios


def load_scenarios(path: Path | str) -> tuple[Scenario, ...]:
    """Read scenarios from a JSON file; see `parse_scenarios`.

    Raises:
        DemoError: The file can't be read, or its contents are wrong.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise DemoError(f"can't read scenarios from {path}: {error.strerror}") from error
    return parse_scenarios(text, str(path))


def builtin_scenarios() -> tuple[Scenario, ...]:
    """The scenarios that come with browserwatch; they play on the demo site."""
    return parse_scenarios((resources.files("browserwatch.demo") / "scenarios.json").read_bytes(), "built-in scenarios")
