"""The pool as data: what its rules look at. Times are seconds of one monotonic clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from browserwatch.agents.lending import Holding, How, Wish
from browserwatch.semantics import AGENT_STATES
from browserwatch.settings.service import MEBIBYTE, ServiceSettings

State: TypeAlias = Literal["starting", "idle", "leased", "draining", "stopping"]
MIN_ESTIMATE: Final = 300 * MEBIBYTE
"""What an agent is expected to use at least, before any was measured under load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """One agent, as the rules see it.

    Attributes:
        resetting: it is `starting` because its browser is made new, which is quicker than a launch.
        clean: its browser has no past. One that is neither clean nor holds a session is made new before it is lent.
        retire_at: end of its life.
    """

    id: str
    state: State = "starting"
    resetting: bool = False
    clean: bool = True
    holding: Holding | None = None
    uses: int = 0
    idle_since: float = 0.0
    retire_at: float = math.inf
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Waiter:
    """A caller that waits. Who came first has the lower number."""

    number: int
    wish: Wish
    since: float
    stored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the settings allow."""

    min_idle: int
    max_size: int
    max_waiting: int
    max_uses: int
    max_idle: float
    agent_memory: int
    pool_memory: int
    pool_cpu: float

    @classmethod
    def of(cls, settings: ServiceSettings, machine_memory: int) -> Limits:
        """From the settings; without one for the pool's memory, 80 % of what the machine or container has."""
        pool_memory = settings.pool_memory_limit_mb
        return cls(
            min_idle=settings.pool_min_idle,
            max_size=settings.pool_max_size,
            max_waiting=settings.pool_max_waiting,
            max_uses=settings.agent_max_uses,
            max_idle=settings.agent_max_idle_seconds,
            agent_memory=settings.agent_memory_limit_mb * MEBIBYTE,
            pool_memory=int(machine_memory * 0.8) if pool_memory is None else pool_memory * MEBIBYTE,
            pool_cpu=math.inf if settings.pool_cpu_limit is None else settings.pool_cpu_limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """The pool at one moment.

    Attributes:
        waiters: those for whom no agent was chosen yet, in the order in which they came.
        launch_after: no launch before this time: the last ones failed.
        cpu_cores: processors in use, when last measured.
    """

    limits: Limits
    agents: tuple[AgentView, ...] = ()
    waiters: tuple[Waiter, ...] = ()
    draining: bool = False
    launch_after: float = 0.0
    cpu_cores: float = 0.0

    @property
    def memory_bytes(self) -> int:
        """Memory of all agents, when last measured."""
        return sum(agent.memory_bytes for agent in self.agents)

    @property
    def estimate(self) -> int:
        """Memory that one more agent is expected to use: as much as the largest does."""
        return max((MIN_ESTIMATE, *(agent.memory_bytes for agent in self.agents)))

    def counts(self) -> dict[str, int]:
        """Agents by state, every state present."""
        counts: dict[str, int] = dict.fromkeys(AGENT_STATES, 0)
        for agent in self.agents:
            counts[agent.state] += 1
        return counts

    def __str__(self) -> str:
        """As in ``pool 4/4: 3 leased, 1 starting; 12 waiting``."""
        told = ", ".join(f"{count} {state}" for state, count in self.counts().items() if count or state in _ALWAYS_TOLD)
        return f"pool {len(self.agents)}/{self.limits.max_size}: {told}; {len(self.waiters)} waiting"


_ALWAYS_TOLD: Final = ("leased", "idle", "starting")


# --- what is to be done ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Assign:
    """Give an idle agent to a waiter."""

    waiter: int
    agent_id: str
    how: How


@dataclass(frozen=True, slots=True)
class Reset:
    """Make the browser of an idle agent new."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class Launch:
    """Start one more agent."""


@dataclass(frozen=True, slots=True)
class Retire:
    """End an agent that is not lent; the reason is from `semantics.RETIRE_REASONS`."""

    agent_id: str
    reason: str


Action: TypeAlias = Assign | Reset | Launch | Retire
