"""A run's events as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final, TypeAlias

import anyio
import msgspec
from sse_starlette import EventSourceResponse, ServerSentEvent

from browserwatch.api.error_kinds import kind_of
from browserwatch.runs.models import RunEvent

PING_SECONDS: Final = 15
"""How often a comment keeps the connection open, and finds out whether it still is."""

SEND_SECONDS: Final = 60.0
"""A client that reads nothing for so long is dropped."""

CLOSE_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)
Frames: TypeAlias = asyncio.Queue[ServerSentEvent | None]


def event_stream(events: AsyncIterator[RunEvent], closing: asyncio.Event) -> EventSourceResponse:
    """An answer that ends after the last event, when the client goes away, or when the service closes."""
    frames: Frames = asyncio.Queue(maxsize=1)

    async def feed() -> None:
        await _feed(events, closing, frames)

    return EventSourceResponse(
        _drained(frames), data_sender_callable=feed, ping=PING_SECONDS, send_timeout=SEND_SECONDS, sep="\n"
    )


async def _drained(frames: Frames) -> AsyncIterator[ServerSentEvent]:
    while (frame := await frames.get()) is not None:
        yield frame


async def _feed(events: AsyncIterator[RunEvent], closing: asyncio.Event, frames: Frames) -> None:
    """Read events in one task from first to last, and in the end close the answer properly.

    A client sees a stream that ended, not a connection that broke, and may go on elsewhere from the last event it has.
    """
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when, closing, group.cancel_scope)
            await _put(events, frames)
            group.cancel_scope.cancel()
    finally:
        await close(events)
    await frames.put(None)


async def _put(events: AsyncIterator[RunEvent], frames: Frames) -> None:
    try:
        async for event in events:
            data = msgspec.json.encode(event_data(event)).decode()
            await frames.put(ServerSentEvent(data, id=str(event.number), event=event.type))
    except Exception as error:  # noqa: BLE001  # the answer has begun: all that can be said is that it ends here
        _log.warning("a stream of events ends early: %s (%s)", kind_of(error).title, type(error).__name__)


def event_data(event: RunEvent) -> dict[str, object]:
    """What a client gets of an event, besides its number and type."""
    return {"time": event.time, **event.data}


async def _cancel_when(closing: asyncio.Event, scope: anyio.CancelScope) -> None:
    await closing.wait()
    scope.cancel()


async def close(events: AsyncIterator[RunEvent]) -> None:
    """Have an iteration that is given up let go of what it holds, now and not when it is collected."""
    if isinstance(events, AsyncGenerator):
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await events.aclose()
