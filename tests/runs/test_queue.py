import itertools
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from browserwatch import semantics
from browserwatch.runs.errors import RejectedError
from browserwatch.runs.queue import Limits, RunQueue, Ticket

ROOMY = Limits(running=2, queued=10, tenant_running=2, tenant_queued=10)


def add(queue: RunQueue, run_id: str, tenant: str = "acme", session: str | None = None, since: float = 0.0) -> bool:
    begins = queue.add(Ticket(run_id, tenant, session, since))
    queue.ready(run_id)
    return begins


def test_first_come_first_served() -> None:
    """As many as may run begin at once, the others in the order in which they came."""
    queue = RunQueue(ROOMY)
    assert [add(queue, name) for name in "abcd"] == [True, True, False, False]
    assert queue.next() is None
    queue.done("a")
    assert (queue.next(), queue.next()) == ("c", None)
    queue.done("b")
    assert (queue.next(), queue.running, queue.queued) == ("d", 2, 0)


def test_a_tenant_at_its_limit_is_passed_by() -> None:
    """It waits for one of its own runs to end; others do not wait for it."""
    queue = RunQueue(Limits(running=3, queued=10, tenant_running=1, tenant_queued=10))
    assert add(queue, "a1", "a")
    assert not add(queue, "a2", "a")
    assert add(queue, "b1", "b")
    queue.done("b1")
    assert queue.next() is None
    queue.done("a1")
    assert queue.next() == "a2"


def test_a_session_is_used_by_one_run() -> None:
    """Of one tenant; another tenant's session of the same name is another session."""
    queue = RunQueue(Limits(running=9, queued=10, tenant_running=9, tenant_queued=10))
    assert add(queue, "1", "a", "shop")
    assert not add(queue, "2", "a", "shop")
    assert add(queue, "3", "a", "bank")
    assert add(queue, "4", "b", "shop")
    assert add(queue, "5", "a", None)
    assert queue.next() is None
    queue.done("1")
    assert queue.next() == "2"


def test_no_places_at_all() -> None:
    """With a queue of size 0 a run is taken when it can begin, and refused when not."""
    queue = RunQueue(Limits(running=1, queued=0, tenant_running=1, tenant_queued=1))
    assert add(queue, "a")
    with pytest.raises(RejectedError):
        add(queue, "b")
    queue.done("a")
    assert add(queue, "b")


def test_a_run_that_is_not_ready_keeps_its_place() -> None:
    """It does not begin before it is; it counts as waiting; and goes first then."""
    queue = RunQueue(Limits(running=1, queued=2, tenant_running=1, tenant_queued=2))
    add(queue, "a")
    assert not queue.add(Ticket("b", "acme", None, 0))
    assert not add(queue, "c")
    with pytest.raises(RejectedError):
        add(queue, "d")
    queue.done("a")
    queue.ready("b")
    assert queue.next() == "b"


def test_taken_out() -> None:
    """One that waits; not one that runs."""
    queue = RunQueue(ROOMY)
    for name in "abc":
        add(queue, name)
    assert queue.remove("c")
    assert not queue.remove("c")
    assert not queue.remove("a")
    assert (queue.queued, queue.waiting(), queue.running) == (0, [], 2)


def test_the_oldest() -> None:
    """The age of the one that has waited longest, 0 when none waits."""
    queue = RunQueue(ROOMY)
    for since, name in enumerate("abcd"):
        add(queue, name, since=float(since))
    assert queue.oldest(now=10.0) == 8.0
    queue.remove("c")
    queue.remove("d")
    assert queue.oldest(now=10.0) == 0.0


def test_when_to_come_again() -> None:
    """What runs took of late, shared by those that run at once; between a second and a minute; a guess before any ended."""
    queue = RunQueue(ROOMY)
    assert queue.retry_after() == 5.0
    for seconds, expected in ((20.0, 10.0), (1e6, 60.0)):
        add(queue, "a")
        queue.done("a", seconds)
        assert queue.retry_after() == expected
    for _ in range(50):
        add(queue, "a")
        queue.done("a", 0.01)
    assert queue.retry_after() == 1.0


def test_closed() -> None:
    """It takes no more."""
    queue = RunQueue(ROOMY)
    queue.close()
    with pytest.raises(RejectedError) as caught:
        add(queue, "a")
    assert caught.value.reason == "draining"


class Queue(RuleBasedStateMachine):
    """Whatever happens in whatever order, no limit is exceeded, nobody is lost, and nobody waits who could run."""

    limits = Limits(running=3, queued=4, tenant_running=2, tenant_queued=3)

    def __init__(self) -> None:
        super().__init__()
        self.queue = RunQueue(self.limits)
        self.ids = itertools.count()
        self.running: dict[str, Ticket] = {}
        self.waiting: dict[str, Ticket] = {}

    @rule(tenant=st.sampled_from("ab"), session=st.sampled_from(["s", "t", None]))
    def come(self, tenant: str, session: Any) -> None:
        """One more run."""
        ticket = Ticket(str(next(self.ids)), tenant, session, 0.0, ready=True)
        try:
            begins = self.queue.add(ticket)
        except RejectedError as error:
            self.refused(tenant, error.reason)
            return
        (self.running if begins else self.waiting)[ticket.run_id] = ticket

    def refused(self, tenant: str, reason: str) -> None:
        """Only for a reason."""
        assert reason in semantics.REJECT_REASONS
        full = len(self.waiting) == self.limits.queued
        assert reason == ("queue_full" if full else "quota")
        assert full or sum(other.tenant == tenant for other in self.waiting.values()) == self.limits.tenant_queued

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """One that runs ends, and the next ones begin."""
        run_id = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[run_id]
        self.queue.done(run_id, 1.0)
        while (begun := self.queue.next()) is not None:
            self.running[begun] = self.waiting.pop(begun)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """One that waits is taken out."""
        run_id = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[run_id]
        assert self.queue.remove(run_id)

    @invariant()
    def limits_hold(self) -> None:
        """All of them."""
        assert (self.queue.running, self.queue.queued) == (len(self.running), len(self.waiting))
        assert len(self.running) <= self.limits.running
        assert len(self.waiting) <= self.limits.queued
        for tenant in "ab":
            running = [ticket for ticket in self.running.values() if ticket.tenant == tenant]
            sessions = [ticket.session for ticket in running if ticket.session]
            assert len(running) <= self.limits.tenant_running
            assert len(sessions) == len(set(sessions))

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """Who waits is kept waiting by a limit."""
        assert self.queue.next() is None


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
