"""The rules of the pool under whatever may happen in whatever order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from browserwatch.agents.decisions import decide, may_launch, worn_out
from browserwatch.agents.lending import Wish
from browserwatch.agents.state import Action, AgentView, Assign, Launch, Limits, PoolState, Reset, Retire, Waiter
from browserwatch.settings.service import MEBIBYTE
from tests.pool.contract import ANY, holding

WISHES = st.sampled_from([ANY, *(Wish(holding(name, minute)) for name in "ab" for minute in (0, 1))])


class Pool(RuleBasedStateMachine):
    """A pool that does what the rules say, in the midst of arrivals, returns, crashes and time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.numbers = 0
        self.lent: dict[str, int] = {}
        self.served: list[int] = []
        self.state = PoolState(
            limits=Limits(
                min_idle=1,
                max_size=3,
                max_waiting=99,
                max_uses=3,
                max_idle=50,
                agent_memory=500 * MEBIBYTE,
                pool_memory=2000 * MEBIBYTE,
                pool_cpu=4,
            )
        )
        self._settle()

    # --- what happens -------------------------------------------------------------------------------------------
    @rule(wish=WISHES, stored=st.booleans())
    def arrive(self, wish: Wish, stored: bool) -> None:  # noqa: FBT001  # hypothesis passes by name
        """Somebody wants an agent."""
        assume(len(self.state.waiters) < 6)
        self.numbers += 1
        self._change(waiters=(*self.state.waiters, Waiter(self.numbers, wish, self.now, stored)))

    @precondition(lambda self: self.state.waiters)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """Somebody waits no longer."""
        left = data.draw(st.sampled_from(self.state.waiters))
        self._change(waiters=tuple(waiter for waiter in self.state.waiters if waiter is not left))

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), kept=st.sampled_from([None, holding("a"), holding("b", 1)]), healthy=st.booleans())
    def give_back(self, data: st.DataObject, kept: object, healthy: bool) -> None:  # noqa: FBT001  # likewise
        """A lease ends, or its agent dies."""
        name = data.draw(st.sampled_from(sorted(self.lent)))
        self._end_lease(name, AgentView(id=name, holding=kept), healthy=healthy)  # pyright: ignore[reportArgumentType]  # drawn

    @precondition(lambda self: any(agent.state in ("starting", "stopping") for agent in self.state.agents))
    @rule(data=st.data(), well=st.booleans())
    def proceed(self, data: st.DataObject, well: bool) -> None:  # noqa: FBT001  # likewise
        """A launch, a reset or an end is over; the first two perhaps because they failed."""
        agents = [agent for agent in self.state.agents if agent.state in ("starting", "stopping")]
        self._finish(data.draw(st.sampled_from(agents)), well=well)

    @rule(seconds=st.sampled_from([1.0, 60.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self._change()

    @precondition(lambda self: self.state.agents)
    @rule(data=st.data(), memory=st.sampled_from([100, 400, 600]), cores=st.sampled_from([1.0, 5.0]))
    def measure(self, data: st.DataObject, memory: int, cores: float) -> None:
        """An agent uses more or less."""
        agent = data.draw(st.sampled_from(self.state.agents))
        self._put(replace(agent, memory_bytes=memory * MEBIBYTE), cpu_cores=cores)

    # --- what is done about it ------------------------------------------------------------------------------------
    def _change(self, **parts: object) -> None:
        self.state = replace(self.state, **parts)  # pyright: ignore[reportArgumentType]  # fields of it
        self._settle()

    def _put(self, agent: AgentView, **parts: object) -> None:
        agents = tuple(agent if other.id == agent.id else other for other in self.state.agents)
        self._change(agents=agents, **parts)

    def _remove(self, name: str, **parts: object) -> None:
        self._change(agents=tuple(agent for agent in self.state.agents if agent.id != name), **parts)

    def _end_lease(self, name: str, left: AgentView, *, healthy: bool) -> None:
        del self.lent[name]
        agent = next(agent for agent in self.state.agents if agent.id == name)
        if healthy:
            known = {"holding": left.holding, "clean": False, "uses": agent.uses + 1, "idle_since": self.now}
            self._put(replace(agent, state="idle", **known))  # pyright: ignore[reportArgumentType]  # fields of it
        else:
            self._put(replace(agent, state="stopping"))

    def _finish(self, agent: AgentView, *, well: bool) -> None:
        if agent.state == "stopping":
            self._remove(agent.id)
        elif well:
            retire_at = agent.retire_at if agent.resetting else self.now + 200
            ready = replace(agent, state="idle", resetting=False, clean=True, holding=None, retire_at=retire_at)
            self._put(replace(ready, idle_since=self.now))
        elif agent.resetting:
            self._put(replace(agent, state="stopping"))
        else:
            self._remove(agent.id, launch_after=self.now + 10)

    def _settle(self) -> None:
        actions = decide(self.state, self.now)
        for action in actions:
            self._act(action)
        self._check_order([action.waiter for action in actions if isinstance(action, Assign)])
        named = [action.agent_id for action in actions if not isinstance(action, Launch)]
        assert len(named) == len(set(named)), "one thing at a time is done with an agent"
        assert decide(self.state, self.now) == [], "what is to be done was done at once"

    def _act(self, action: Action) -> None:
        if isinstance(action, Launch):
            self.numbers += 1
            assert may_launch(self.state, self.now, 0)
            self.state = replace(self.state, agents=(*self.state.agents, AgentView(id=f"agent {self.numbers}")))
            return
        agent = next(agent for agent in self.state.agents if agent.id == action.agent_id)
        assert agent.state == "idle", "nothing is done to an agent that is lent, starts or ends"
        match action:
            case Assign():
                self._assign(action, agent)
            case Reset():
                self._replaced(replace(agent, state="starting", resetting=True))
            case Retire():
                self._replaced(replace(agent, state="stopping"))

    def _assign(self, action: Assign, agent: AgentView) -> None:
        waiter = next(waiter for waiter in self.state.waiters if waiter.number == action.waiter)
        assert not worn_out(agent, self.state, self.now)
        if action.how == "warm":
            assert agent.holding == waiter.wish.holding is not None
        else:
            assert agent.clean, "nobody sees what somebody else left"
        self.lent[agent.id] = waiter.number
        self._replaced(replace(agent, state="leased"))
        self.state = replace(self.state, waiters=tuple(one for one in self.state.waiters if one is not waiter))

    def _check_order(self, served: list[int]) -> None:
        """Who is passed over has an agent on its way."""
        on_its_way = sum(agent.state == "starting" for agent in self.state.agents)
        for number in served:
            assert sum(waiter.number < number for waiter in self.state.waiters) <= on_its_way

    def _replaced(self, agent: AgentView) -> None:
        agents = tuple(agent if other.id == agent.id else other for other in self.state.agents)
        self.state = replace(self.state, agents=agents)

    # --- what is always so ----------------------------------------------------------------------------------------
    @invariant()
    def never_too_many(self) -> None:
        """The size is kept."""
        assert len(self.state.agents) <= self.state.limits.max_size

    @invariant()
    def nobody_waits_beside_an_idle_agent(self) -> None:
        """As long as one waits, none is idle."""
        assert not self.state.waiters or not any(agent.state == "idle" for agent in self.state.agents)

    @invariant()
    def somebody_comes_if_anybody_may(self) -> None:
        """Who waits has an agent on its way, if one more is admitted."""
        starting = sum(agent.state == "starting" for agent in self.state.agents)
        if len(self.state.waiters) > starting:
            assert not may_launch(self.state, self.now, 0)

    def teardown(self) -> None:
        """Nobody starves: when all goes well from now on, all who wait are served, in order."""
        waiting = [waiter.number for waiter in self.state.waiters]
        for _ in range(100):
            if not self.state.waiters:
                break
            self.now += 11
            self._change(cpu_cores=0.0)
            for agent in self.state.agents:
                current = next((one for one in self.state.agents if one.id == agent.id), agent)
                if current.state in ("starting", "stopping"):
                    self._finish(current, well=True)
                elif current.id in self.lent:
                    self._end_lease(current.id, AgentView(id=current.id), healthy=True)
        assert not self.state.waiters, f"of {waiting} these starve: {self.state}"


TestPool = Pool.TestCase
