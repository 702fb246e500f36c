"""The rules of the pool, one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from browserwatch.agents.decisions import decide
from browserwatch.agents.lending import Holding, Wish
from browserwatch.agents.state import Action, AgentView, Assign, Launch, Limits, PoolState, Reset, Retire, Waiter
from browserwatch.settings import ServiceSettings
from browserwatch.settings.service import MEBIBYTE
from tests.pool.contract import ANY, BANK, SHOP, holding

NOW = 1000.0
LIMITS = Limits(
    min_idle=0,
    max_size=2,
    max_waiting=10,
    max_uses=50,
    max_idle=600,
    agent_memory=1000 * MEBIBYTE,
    pool_memory=4000 * MEBIBYTE,
    pool_cpu=math.inf,
)


def agent(name: str, **known: Any) -> AgentView:
    known = {"state": "idle", "idle_since": NOW, "retire_at": NOW + 100, **known}
    return AgentView(id=name, **known)


def holds(name: str, held: Holding | None, **known: Any) -> AgentView:
    return agent(name, holding=held, clean=False, **known)


def waiter(number: int, wish: Wish = ANY, *, stored: bool = False) -> Waiter:
    return Waiter(number, wish, NOW, stored)


def decided(
    agents: tuple[AgentView, ...] = (), waiters: tuple[Waiter, ...] = (), limits: Limits = LIMITS, **known: Any
) -> list[Action]:
    return decide(PoolState(agents=agents, waiters=waiters, limits=limits, **known), NOW)


STARTING = agent("starting", state="starting")
RESETTING = agent("resetting", state="starting", resetting=True)
LEASED = agent("leased", state="leased")


def test_a_clean_agent_is_given_at_once() -> None:
    """It is fresh, or restored when the session that is wished for has a stored state."""
    assert decided((agent("a"),), (waiter(1),)) == [Assign(1, "a", "fresh")]
    assert decided((agent("a"),), (waiter(1, SHOP),)) == [Assign(1, "a", "fresh")]
    assert decided((agent("a"),), (waiter(1, SHOP, stored=True),)) == [Assign(1, "a", "restored")]


def test_the_one_that_has_the_session_is_preferred() -> None:
    """To a clean one; but only in the state that is stored."""
    shop = holds("b", SHOP.holding)
    assert decided((agent("a"), shop), (waiter(1, SHOP, stored=True),)) == [Assign(1, "b", "warm")]
    stale = holds("b", holding("shop", minute=7))
    assert decided((agent("a"), stale), (waiter(1, SHOP, stored=True),)) == [Assign(1, "a", "restored")]


def test_one_with_a_past_is_made_new_first() -> None:
    """It is given away only when it is clean, even to a caller without a session."""
    assert decided((holds("b", BANK.holding),), (waiter(1),)) == [Reset("b")]
    assert decided((replace(RESETTING, id="b"),), (waiter(1),)) == []


def test_the_least_recently_used_loses_its_session() -> None:
    """The eviction rule, and its one exception: the session of somebody who waits, too."""
    old, new = holds("old", BANK.holding, idle_since=NOW - 2), holds("new", holding("mail"))
    assert decided((new, old), (waiter(1, SHOP),)) == [Reset("old")]
    assert decided((new, old), (waiter(1, SHOP), waiter(2, BANK))) == [Reset("new"), Assign(2, "old", "warm")]


def test_a_reset_comes_before_a_launch() -> None:
    """It is quicker."""
    assert decided((holds("b", BANK.holding), STARTING), (waiter(1),)) == [Reset("b")]


def test_a_launch_when_there_is_room() -> None:
    """One for each who waits and has none on its way, as far as the size allows."""
    assert decided((), (waiter(1),)) == [Launch()]
    assert decided((LEASED,), (waiter(1), waiter(2))) == [Launch()]
    assert decided((STARTING,), (waiter(1),)) == []
    assert decided((RESETTING, LEASED), (waiter(1), waiter(2))) == []
    assert decided((), tuple(waiter(number) for number in range(9))) == [Launch(), Launch()]


def test_what_still_ends_has_a_place() -> None:
    """Agents that stop count: their Chromium is not gone yet."""
    stopping = (agent("a", state="stopping"), agent("b", state="stopping"))
    assert decided(stopping, (waiter(1),)) == []


def test_nobody_is_passed_over_at_their_expense() -> None:
    """The second may have what it holds only if an agent is on its way to the first."""
    shop = holds("a", SHOP.holding)
    assert decided((shop, RESETTING), (waiter(1), waiter(2, SHOP))) == [Assign(2, "a", "warm")]
    assert decided((shop, LEASED), (waiter(1), waiter(2, SHOP))) == [Reset("a")]


def test_what_nobody_vouched_for_is_made_new() -> None:
    """At once, whether or not somebody waits."""
    assert decided((holds("a", None),)) == [Reset("a")]
    assert decided((holds("a", None),), (waiter(1),)) == [Reset("a")]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"uses": 50}, "max_uses"),
        ({"retire_at": NOW}, "max_age"),
        ({"memory_bytes": 1001 * MEBIBYTE}, "memory"),
    ],
)
def test_worn_out_agents_end(known: dict[str, Any], reason: str) -> None:
    """When they are idle, not while they are lent; and nobody gets them any more."""
    assert decided((agent("a", **known),)) == [Retire("a", reason)]
    assert decided((agent("a", **known),), (waiter(1),)) == [Retire("a", reason), Launch()]
    assert decided((agent("a", **{**known, "state": "leased"}),)) == []


def test_idle_agents_end_beyond_those_to_be_kept() -> None:
    """The longest idle first, and only after their time."""
    limits = replace(LIMITS, min_idle=1, max_size=3)
    three = (agent("a", idle_since=NOW - 601), agent("b", idle_since=NOW - 602), agent("c", idle_since=NOW - 700))
    assert decided(three, limits=limits) == [Retire("c", "idle"), Retire("b", "idle")]
    assert decided(three[:1], limits=limits) == []
    assert decided((agent("a"), agent("b")), limits=limits) == []


def test_some_are_kept_ready() -> None:
    """Beside those at work, as far as there is room; those that start count."""
    limits = replace(LIMITS, min_idle=1)
    assert decided(limits=limits) == [Launch()]
    assert decided((LEASED,), limits=limits) == [Launch()]
    assert decided((STARTING,), limits=limits) == []
    assert decided((STARTING,), (waiter(1),), limits=limits) == [Launch()]
    assert decided((LEASED, LEASED), limits=limits) == []


def test_memory_limits_launches() -> None:
    """What is measured, and an estimate for each that was not yet: as much as the largest uses."""
    limits = replace(LIMITS, max_size=9, pool_memory=1200 * MEBIBYTE)
    large = replace(LEASED, memory_bytes=600 * MEBIBYTE)
    assert decided((large,), (waiter(1),), limits) == [Launch()]
    assert decided((large,), (waiter(1), waiter(2)), limits) == [Launch()]
    assert decided((large, STARTING), (waiter(1), waiter(2)), limits) == []
    assert decided((replace(LEASED, memory_bytes=601 * MEBIBYTE),), (waiter(1),), limits) == []
    small = replace(LEASED, memory_bytes=1)
    assert decided((small,), tuple(waiter(number) for number in range(9)), limits) == [Launch()] * 3


def test_cpu_limits_launches() -> None:
    """While all agents together use more than they may, none is started."""
    limits = replace(LIMITS, pool_cpu=1.5)
    assert decided((LEASED,), (waiter(1),), limits, cpu_cores=1.5) == [Launch()]
    assert decided((LEASED,), (waiter(1),), limits, cpu_cores=1.6) == []


def test_the_first_agent_is_never_refused() -> None:
    """However little there is: else the pool would never serve anybody again."""
    limits = replace(LIMITS, pool_memory=1, pool_cpu=0.1)
    assert decided((), (waiter(1), waiter(2)), limits, cpu_cores=9) == [Launch()]


def test_after_failed_launches_there_is_a_pause() -> None:
    """Not even the first one is started then."""
    assert decided((), (waiter(1),), launch_after=NOW + 0.1) == []
    assert decided((), (waiter(1),), launch_after=NOW) == [Launch()]


def test_draining_ends_all_that_is_not_lent() -> None:
    """Those that start, too; those that are lent stay."""
    agents = (agent("a"), STARTING, replace(LEASED, state="draining"), agent("d", state="stopping"))
    assert decided(agents, draining=True) == [Retire("a", "drain"), Retire("starting", "drain")]


def test_a_picture_of_the_pool() -> None:
    """For messages."""
    state = PoolState(agents=(LEASED, agent("a", state="stopping")), waiters=(waiter(1),), limits=LIMITS)
    assert str(state) == "pool 2/2: 0 starting, 0 idle, 1 leased, 1 stopping; 1 waiting"


def test_limits_from_settings() -> None:
    """Without a memory limit for the pool it is 80 % of the machine's; without one for processors there is none."""
    limits = Limits.of(ServiceSettings(), 1000)
    assert (limits.pool_memory, limits.pool_cpu, limits.agent_memory) == (800, math.inf, 2048 * MEBIBYTE)
    limits = Limits.of(ServiceSettings(pool_memory_limit_mb=500, pool_cpu_limit=2), 1000)
    assert (limits.pool_memory, limits.pool_cpu) == (500 * MEBIBYTE, 2)
