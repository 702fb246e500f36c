"""What a run came to: from the agent's answer, from the reason it was stopped for, or from the error that ended it."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from browserwatch.agents.errors import AgentLostError, CommandFailedError, PoolDrainingError, PoolError
from browserwatch.agents.messages import RunDone
from browserwatch.errors import BrowserwatchError
from browserwatch.runs.models import RunState, Usage
from browserwatch.runs.session_state import SessionNotRestoredError
from browserwatch.runs.stopping import Why
from browserwatch.semantics import FAILURE_REASONS, RUN_OUTCOMES
from browserwatch.sessions.errors import SessionError

MAX_RESULT: Final = 1024 * 1024
"""Longest result in characters, and largest structured one in bytes, that a record has."""

MAX_MESSAGE: Final = 1000
"""Longest message in characters."""

_STOPPED: Final[dict[Why, tuple[RunState, str, str, str]]] = {
    "cancel": ("cancelled", "cancelled", "none", "cancelled on request"),
    "timeout": ("failed", "timeout", "timeout", "took longer than it may"),
    "budget": ("failed", "error", "budget", "its model calls cost more than its budget"),
    "interrupt": ("interrupted", "error", "infrastructure", "the service was shut down before the run ended"),
}


class Ending(NamedTuple):
    """How a run ends.

    Attributes:
        problem: what was wrong with its session before it could begin.
        done: the agent's answer, if there was one.
    """

    state: RunState
    outcome: str
    failure_reason: str
    message: str
    problem: str = ""
    done: RunDone | None = None


def by_answer(done: RunDone, why: Why | None) -> Ending:
    """From the agent's answer. A run that succeeded has succeeded, also when it was told to stop just then."""
    if done.outcome == "success":
        return Ending("succeeded", done.outcome, "none", "", done=done)
    if why is not None:
        return by_sign(why)._replace(done=done)
    message = done.message[:MAX_MESSAGE]
    if done.outcome == "cancelled":
        # Nobody asked for it here: the agent was ended by the pool.
        return Ending("failed", "error", "infrastructure", message or "the agent ended the run", done=done)
    outcome = done.outcome if done.outcome in RUN_OUTCOMES else "error"
    return Ending("failed", outcome, _known(done.failure_reason), message, done=done)


def by_sign(why: Why) -> Ending:
    """From the reason it was stopped for."""
    return Ending(*_STOPPED[why])


def by_error(error: Exception, why: Why | None) -> Ending:
    """From what was raised. An agent that is lost because it would not stop says nothing of the browser."""
    if why is not None:
        return by_sign(why)
    match error:
        case AgentLostError():
            reason = "browser_crash" if error.kind == "crash" else "browser_unresponsive"
            return Ending("failed", "error", reason, str(error))
        case SessionError() | SessionNotRestoredError():
            return Ending("failed", "error", "infrastructure", str(error), str(error))
        case CommandFailedError():
            return Ending("failed", "error", _known(error.reason), str(error))
        case PoolDrainingError():
            return by_sign("interrupt")
        case PoolError() | BrowserwatchError():
            return Ending("failed", "error", "infrastructure", str(error))
        case _:
            # The message of an error that is not ours may quote anything.
            return Ending("failed", "error", "infrastructure", f"{type(error).__name__} in the service")


def result_of(done: RunDone | None) -> dict[str, object]:
    """The fields of a record that have the result; what is too large for one is left out, and the message says so."""
    if done is None:
        return {}
    if len(done.result or "") > MAX_RESULT or len(msgspec.json.encode(done.structured)) > MAX_RESULT:
        return {"message": f"the result is larger than {MAX_RESULT:,} bytes and was not kept"}
    return {"result": done.result, "structured": done.structured}


def total_usage(heard: Usage, done: RunDone | None) -> Usage:
    """The larger of what was heard and what the agent counted: after a stop it may count nothing."""
    if done is None:
        return heard
    return Usage(**{name: max(getattr(heard, name), getattr(done, name)) for name in heard.__struct_fields__})


def _known(reason: str) -> str:
    return reason if reason in FAILURE_REASONS else "unknown"
