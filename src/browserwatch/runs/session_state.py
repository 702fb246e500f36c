"""A session between the vault and a browser: opened, put in, read out, saved. Shared by runs and page fetches."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

from opentelemetry import trace

from browserwatch import semantics
from browserwatch.agents.errors import AgentError, CommandFailedError
from browserwatch.agents.lending import Holding, Lease, Wish
from browserwatch.agents.messages import Capture, Captured, Restore, Restored
from browserwatch.events import Emit, SessionReused
from browserwatch.sessions.errors import SessionBusyError, SessionError, StoreUnavailableError
from browserwatch.sessions.snapshot import Snapshot
from browserwatch.sessions.vault import OpenSession, SessionVault
from browserwatch.tracing.ids import span_ids
from browserwatch.version import __version__

RESTORE_SECONDS: Final = 60.0
CAPTURE_SECONDS: Final = 60.0
"""A browser that takes longer is taken for hung: every origin of a session is visited, one after the other."""

OUTAGE_SECONDS: Final = 10.0
"""How long the last save of a run or fetch waits for a Redis that is being started again."""

_RETRY_SECONDS: Final = 0.1
_MAX_RETRY_SECONDS: Final = 2.0
tracer = trace.get_tracer("browserwatch", __version__)


class SessionNotRestoredError(CommandFailedError):
    """An agent could not put a stored session into its browser; what is stored was not touched."""


async def open_session(
    stack: contextlib.AsyncExitStack, vault: SessionVault, tenant: str, name: str | None, seconds: float
) -> OpenSession | None:
    """Open a session for as long as the stack lives; one that is in use is waited for.

    Raises:
        SessionBusyError: it was in use all the time.
        SessionError: it can't be opened.
    """
    if name is None:
        return None
    give_up, delay = time.monotonic() + seconds, _RETRY_SECONDS
    while True:
        try:
            return await stack.enter_async_context(vault.open(tenant, name))
        except SessionBusyError:
            if time.monotonic() + delay > give_up:
                raise
        await asyncio.sleep(delay)
        delay = min(delay * 2, _MAX_RETRY_SECONDS)


def wish_for(opened: OpenSession | None) -> Wish:
    """An agent that has the session already is wished for."""
    return Wish(Holding(opened.lease.session, opened.saved) if opened else None)


@tracer.start_as_current_span(semantics.SESSION_RESTORE)
async def restore(lease: Lease, snapshot: Snapshot, emit: Emit) -> str:
    """Put a session into the lease's browser, unless it is there already. What was not taken, as a sentence; or "".

    Raises:
        SessionNotRestoredError: it could not be put in.
        AgentLostError: the browser is lost.
    """
    span = trace.get_current_span()
    source = "warm" if lease.how == "warm" else "restored"
    span.set_attributes({semantics.SESSION_SOURCE: source, **_counts(snapshot)})
    problem = ""
    if source == "restored":
        encoded = await asyncio.to_thread(snapshot.encode)
        span.set_attribute(semantics.SESSION_BYTES, len(encoded))
        problem = _not_restored(await _put_in(lease, encoded))
    emit(SessionReused(source=source, **span_ids()))
    return problem


@tracer.start_as_current_span(semantics.SESSION_SAVE)
async def save(lease: Lease, opened: OpenSession, *, full: bool) -> str:
    """Read the browser's state and store it. What is missing in it, as a sentence; "" when the two are the same.

    Raises:
        CommandFailedError: it could not be read.
        AgentLostError: the browser is lost.
        SessionError: it could not be stored.
    """
    captured = await lease.ask(Capture(full=full), Captured, CAPTURE_SECONDS)
    raw = captured.snapshot
    snapshot = await asyncio.to_thread(Snapshot.decode, raw)
    trace.get_current_span().set_attributes({semantics.SESSION_BYTES: len(raw), **_counts(snapshot)})
    await _store(opened, snapshot, OUTAGE_SECONDS if full else 0.0)
    if captured.failed_origins:
        return f"local storage of {captured.failed_origins} origins could not be read; what was stored before is kept"
    return ""


async def finish(lease: Lease, opened: OpenSession, problem: str) -> str:
    """The last save of a run or fetch, after which the browser may keep the session for the next one.

    Args:
        lease: whose browser has it.
        opened: where it belongs.
        problem: what is known to be wrong with the session already.

    Returns:
        What is wrong with it now; "" when all is well.
    """
    try:
        missing = await save(lease, opened, full=True)
    except (SessionError, AgentError) as error:
        return _joined(problem, f"not saved: {error}")
    problem = _joined(problem, missing)
    if not problem:
        lease.keep(Holding(opened.lease.session, opened.saved))
    return problem


async def _put_in(lease: Lease, encoded: bytes) -> Restored:
    try:
        return await lease.ask(Restore(snapshot=encoded), Restored, RESTORE_SECONDS)
    except CommandFailedError as error:
        # A run without the login that it was to have would do something else than what was asked for.
        raise SessionNotRestoredError(
            f"the session could not be put into the browser: {error}", "infrastructure"
        ) from error


async def _store(opened: OpenSession, snapshot: Snapshot, patience: float) -> None:
    give_up, delay = time.monotonic() + patience, _RETRY_SECONDS
    while True:
        try:
            await opened.save(snapshot)
        except StoreUnavailableError:
            if time.monotonic() + delay > give_up:
                raise
        else:
            return
        await asyncio.sleep(delay)
        delay = min(delay * 2, _MAX_RETRY_SECONDS)


def _counts(snapshot: Snapshot) -> dict[str, int]:
    counts = snapshot.counts
    return {semantics.SESSION_COOKIES: counts.cookies, semantics.SESSION_ORIGINS: counts.origins}


def _not_restored(done: Restored) -> str:
    if not done.failed_cookies and not done.failed_origins:
        return ""
    return f"{done.failed_cookies} cookies and {done.failed_origins} origins could not be put into the browser"


def _joined(*sentences: str) -> str:
    return "; ".join(filter(None, sentences))
