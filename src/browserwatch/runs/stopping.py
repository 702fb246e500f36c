"""How a run is told to stop, whatever it is doing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Literal, TypeAlias

Why: TypeAlias = Literal["cancel", "timeout", "budget", "interrupt"]


class StoppedError(Exception):
    """The sign was given before there was anything to stop politely."""


class StopSign:
    """Given once; the first reason counts.

    Attributes:
        why: the reason, once it was given.
    """

    def __init__(self) -> None:
        self.why: Why | None = None
        self._given = asyncio.Event()
        self._scope: asyncio.Timeout | None = None

    def give(self, why: Why) -> None:
        """Stop."""
        if self.why is not None:
            return
        self.why = why
        self._given.set()
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def given(self) -> None:
        """Wait for it."""
        await self._given.wait()

    @contextlib.asynccontextmanager
    async def interrupts(self) -> AsyncGenerator[None]:
        """A block that is cancelled by the sign.

        Raises:
            StoppedError: it was given before the block ended.
        """
        if self.why is not None:
            raise StoppedError
        try:
            # A time-out without a time is what asyncio has for "cancel this block from elsewhere".
            async with asyncio.timeout(None) as self._scope:
                yield
        except TimeoutError:
            # A time-out of the block's own is none of ours.
            if self.why is None:
                raise
            raise StoppedError from None
        finally:
            self._scope = None
