"""What borrowers of agents see: the port between the pool and those who run tasks and fetch pages with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, TypeVar

from browserwatch.agents.messages import Command, Reply
from browserwatch.events import Event
from browserwatch.sessions.names import SessionId

R = TypeVar("R", bound=Reply)
How: TypeAlias = Literal["warm", "restored", "fresh"]


@dataclass(frozen=True, slots=True)
class Holding:
    """A session as a browser has it: `saved` is the store's time of that very state (None: never saved)."""

    session: SessionId
    saved: datetime | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a borrower wants.

    Attributes:
        holding: the session it will use, in the state that is stored now; None: a browser without a past.
    """

    holding: Holding | None = None


class Lease(Protocol):
    """An agent that is the borrower's until the end of the block."""

    @property
    def agent_id(self) -> str:
        """The pool's name of the agent."""
        ...

    @property
    def how(self) -> How:
        """`warm`: the browser has the session as it is stored; `restored`: it must be put in; `fresh`: there is none."""
        ...

    async def ask(
        self, command: Command, reply: type[R], seconds: float, heard: Callable[[Event], None] | None = None
    ) -> R:
        """Have a command done. Its `id` and `trace` are filled in here, the trace from the current context.

        When the caller is cancelled the command is cancelled in the agent, and the agent stays usable, or is replaced.

        Args:
            command: what to do.
            reply: the type of its answer.
            seconds: time after which the agent is taken for hung, ended and replaced.
            heard: told the events of this command. A run's own start and end go only there, all others to the metrics, too.

        Raises:
            CommandFailedError: the agent could not do it.
            AgentLostError: it died or does not answer.
        """
        ...

    async def stop(self, grace: float) -> None:
        """Cancel the command that is being done; one that has not ended after `grace` seconds is ended with its agent."""
        ...

    def keep(self, holding: Holding | None) -> None:
        """Say what the browser has now. Without this word the browser is made new before anyone else gets it."""
        ...


@dataclass(frozen=True, slots=True)
class PoolStats:
    """The pool at one moment."""

    states: dict[str, int]
    """Agents by state, every state of `semantics.AGENT_STATES` present."""
    active: int
    size: int
    """Agents that it may have."""
    waiters: int
    oldest_waiter_seconds: float
    crashes: int
    """Agents and browsers lost since the start."""
    last_launch: datetime | None
    last_launch_seconds: float | None
    last_launch_error: str
    """Empty when the last launch went well."""
    memory_bytes: int
    cpu_cores: float
    """Processors in use by all agents, over the last measurement interval."""
    browser_use_version: str
    chromium_version: str
    draining: bool


class Lender(Protocol):
    """A pool of agents."""

    def acquire(
        self, wish: Wish, seconds: float | None = None, *, stored: bool = False
    ) -> AbstractAsyncContextManager[Lease]:
        """Borrow an agent for the length of the block, first come, first served.

        Args:
            wish: which session it should hold.
            seconds: time to wait; None: the setting `acquire_timeout_seconds`.
            stored: whether the wished session has a stored state, so that an agent without it is `restored`, not `fresh`.

        Raises:
            AcquireTimeoutError, PoolFullError, PoolDrainingError: there is none to be had.
        """
        ...

    def stats(self) -> PoolStats:
        """The pool now. Quick, and safe from any thread."""
        ...
