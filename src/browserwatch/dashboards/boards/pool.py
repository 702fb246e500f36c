"""Are there enough agents, and are they healthy?"""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards import limits
from browserwatch.dashboards.board import Board, Row
from browserwatch.dashboards.panels import Bars, Lines, Number
from browserwatch.dashboards.signals import pool, runs

CAPACITY: Final = Row(
    "Capacity",
    (
        Number("Active", "How many agents work?", (runs.ACTIVE,)),
        Number(
            "Saturation",
            "How close is the pool to its maximum?",
            (pool.SATURATION,),
            steps=((limits.SATURATION.value, "orange"), (1, "red")),
        ),
        Number("Waiting callers", "Does anybody wait?", (pool.WAITERS,), steps=((1, "orange"),)),
        Number(
            "Oldest waiter",
            "How long have they waited?",
            (pool.OLDEST,),
            steps=((5, "orange"), (limits.WAITER_AGE.value, "red")),
        ),
        Number(
            "Failed launches",
            "Do browsers start?",
            (pool.LAUNCH_FAILURES,),
            steps=((0.01, "orange"), (limits.LAUNCH_FAILURES.value, "red")),
        ),
        Number("Orphans", "Did an earlier service leave processes?", (pool.ORPHANS,), steps=((1, "orange"),)),
        Lines(
            "Agents by state",
            "What are the agents doing, against the maximum?",
            (pool.STATES, pool.SIZE),
            stacked=True,
            apart="maximum",
        ),
        Lines("Waiting", "Does work pile up?", (pool.WAITERS, runs.QUEUED), stacked=True),
        Lines(
            "Waiting time",
            "How long does the first in line wait?",
            (pool.OLDEST, runs.QUEUE_AGE),
            steps=((limits.WAITER_AGE.value, "red"),),
        ),
        Lines("Refused runs", "Is work turned away?", (runs.REJECTED,), stacked=True),
    ),
)
HANDOUT: Final = Row(
    "Acquire, launch, lease",
    (
        Lines("Acquired", "How are wishes for an agent met?", (pool.ACQUIRED,), stacked=True),
        Lines("Time to acquire", "How long until an agent is there?", pool.ACQUIRE, steps=((5, "red"),)),
        Lines("Time to launch", "How long does a browser take to start?", pool.LAUNCH),
        Lines("Time of a lease", "How long are agents taken?", pool.LEASE),
    ),
)
HEALTH: Final = Row(
    "Health",
    (
        Bars("Retired", "Why are agents replaced?", (pool.RETIRED,), width=12),
        Bars("Crashes", "What dies?", (pool.CRASHES,), width=12, steps=((1, "orange"), (limits.CRASHES.value, "red"))),
        Lines("Memory", "How much memory do agents need?", (pool.MEMORY,), stacked=True, width=8),
        Lines("Processor", "How busy are the processors?", (pool.CPU,), stacked=True, width=8),
        Lines(
            "Event bus",
            "Is the agents' loop short of processor?",
            pool.BUS_WAIT,
            width=8,
            steps=((limits.BUS_WAIT.value, "orange"),),
        ),
    ),
)
POOL: Final = Board(
    "pool",
    "browserwatch / Pool and browsers",
    "Are there enough agents, and are they healthy?",
    (CAPACITY, HANDOUT, HEALTH),
)
