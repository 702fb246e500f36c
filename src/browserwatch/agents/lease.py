"""An agent in the hands of its borrower."""

from __future__ import annotations

from collections.abc import Callable

from browserwatch.agents.agent import Agent
from browserwatch.agents.lending import Holding, How, R
from browserwatch.agents.messages import Command
from browserwatch.events import Event


class PoolLease:
    """A `Lease`.

    Attributes:
        used: a command was given, so the browser may have a past.
        kept: the borrower said what the browser has now, which is `holding`.
    """

    def __init__(self, agent: Agent, how: How) -> None:
        self.used = False
        self.kept = False
        self.holding: Holding | None = None
        self._agent = agent
        self._how: How = how
        self._over = False

    @property
    def agent_id(self) -> str:
        """As `Lease.agent_id`."""
        return self._agent.id

    @property
    def how(self) -> How:
        """As `Lease.how`."""
        return self._how

    async def ask(
        self, command: Command, reply: type[R], seconds: float, heard: Callable[[Event], None] | None = None
    ) -> R:
        """As `Lease.ask`."""
        self._check()
        self.used = True
        # What was kept is not what will be there after this.
        self.kept = False
        return await self._agent.ask(command, reply, seconds, heard)

    async def stop(self, grace: float) -> None:
        """As `Lease.stop`. Too late is no error: the command may have ended just now."""
        if not self._over:
            await self._agent.stop(grace)

    def keep(self, holding: Holding | None) -> None:
        """As `Lease.keep`."""
        self._check()
        self.kept = True
        self.holding = holding

    @property
    def returns_clean(self) -> bool:
        """Whether the browser has no past."""
        return self.kept and self.holding is None

    def close(self) -> None:
        """The block is over."""
        self._over = True

    def _check(self) -> None:
        if self._over:
            raise RuntimeError(f"the lease of agent {self._agent.id} is over: use it inside its block")

    def __repr__(self) -> str:
        return f"<PoolLease of {self._agent!r}: {self._how}>"
