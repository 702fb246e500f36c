"""The pool's rules: what to do now, given how things are. Pure: nothing here waits, starts or ends anything.

Who waits is served in order. Nobody is passed over for somebody who came later, except where that costs the former
nothing: an agent is on its way to each of those before.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from browserwatch.agents.lending import Holding
from browserwatch.agents.state import Action, AgentView, Assign, Launch, PoolState, Reset, Retire, Waiter


def decide(state: PoolState, now: float) -> list[Action]:
    """What to do now. Done once for each change; an agent or waiter is named in at most one of the actions."""
    if state.draining:
        return [Retire(agent.id, "drain") for agent in state.agents if agent.state in ("starting", "idle")]
    plan = _Plan(state, now)
    plan.retire()
    plan.clean_up()
    plan.serve()
    plan.shrink()
    plan.keep_ready()
    return plan.actions


def to_evict(idle: Iterable[AgentView], wanted: Iterable[Holding | None]) -> AgentView:
    """The eviction rule: which idle agent loses its session when a waiter needs a browser and none is clean.

    The least recently used one; of those whose session the next waiters want, only when there is no other.
    """
    held = list(wanted)
    return min(idle, key=lambda agent: (agent.holding in held, agent.idle_since))


def worn_out(agent: AgentView, state: PoolState, now: float) -> str:
    """Why an agent that is idle must not be lent again, from `semantics.RETIRE_REASONS`; empty when it may."""
    if agent.uses >= state.limits.max_uses:
        return "max_uses"
    if now >= agent.retire_at:
        return "max_age"
    return "memory" if agent.memory_bytes > state.limits.agent_memory else ""


def may_launch(state: PoolState, now: float, launching: int) -> bool:
    """Whether the limits admit one more agent beside `launching` that start now, and were not measured yet."""
    size = len(state.agents) + launching
    if size >= state.limits.max_size or now < state.launch_after:
        return False
    unmeasured = launching + sum(agent.state == "starting" and not agent.resetting for agent in state.agents)
    memory = state.memory_bytes + (unmeasured + 1) * state.estimate
    # Without the first one nothing would ever be measured again.
    return size == 0 or (memory <= state.limits.pool_memory and state.cpu_cores <= state.limits.pool_cpu)


class _Plan:
    """Actions so far, and what is left to be given away after them."""

    def __init__(self, state: PoolState, now: float) -> None:
        self._state = state
        self._now = now
        self._idle = [agent for agent in state.agents if agent.state == "idle"]
        starting = [agent for agent in state.agents if agent.state == "starting"]
        self._resetting = sum(agent.resetting for agent in starting)
        self._launching = len(starting) - self._resetting
        self._launches = 0
        self.actions: list[Action] = []

    def retire(self) -> None:
        """End what is worn out."""
        for agent in tuple(self._idle):
            if reason := worn_out(agent, self._state, self._now):
                self._idle.remove(agent)
                self.actions.append(Retire(agent.id, reason))

    def clean_up(self) -> None:
        """Make browsers new that came back with nobody knows what in them."""
        for agent in tuple(self._idle):
            if not agent.clean and agent.holding is None:
                self._reset(agent)

    def serve(self) -> None:
        """Give each waiter the best there is: an agent now, else one that is on its way, else one is sent for."""
        for position, waiter in enumerate(self._state.waiters):
            if self._assign(waiter):
                continue
            if self._resetting:
                self._resetting -= 1
            elif self._idle:
                later = islice(self._state.waiters, position + 1, None)
                self._reset(to_evict(self._idle, (other.wish.holding for other in later)))
                self._resetting -= 1
            elif self._launching:
                self._launching -= 1
            elif not self._launch():
                return

    def shrink(self) -> None:
        """End agents that nobody needed for long, the longest idle first."""
        spare = len(self._idle) - self._state.limits.min_idle
        for agent in sorted(self._idle, key=lambda agent: agent.idle_since)[: max(spare, 0)]:
            if self._now - agent.idle_since >= self._state.limits.max_idle:
                self._idle.remove(agent)
                self.actions.append(Retire(agent.id, "idle"))

    def keep_ready(self) -> None:
        """Start agents until as many are ready, or will be, as should."""
        ready = len(self._idle) + self._resetting + self._launching
        while ready < self._state.limits.min_idle and self._launch():
            ready += 1

    def _assign(self, waiter: Waiter) -> bool:
        wanted = waiter.wish.holding
        warm = next((agent for agent in self._idle if wanted is not None and agent.holding == wanted), None)
        chosen = warm or next((agent for agent in self._idle if agent.clean), None)
        if chosen is None:
            return False
        restored = wanted is not None and waiter.stored
        self._idle.remove(chosen)
        self.actions.append(Assign(waiter.number, chosen.id, "warm" if warm else "restored" if restored else "fresh"))
        return True

    def _reset(self, agent: AgentView) -> None:
        self._idle.remove(agent)
        self._resetting += 1
        self.actions.append(Reset(agent.id))

    def _launch(self) -> bool:
        if not may_launch(self._state, self._now, self._launches):
            return False
        self._launches += 1
        self.actions.append(Launch())
        return True
