"""The browser's session: which origins it has been at, and its state put in and taken out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from urllib.parse import urlsplit

from browserwatch.agents.messages import Capture, Captured, Restore, Restored
from browserwatch.agents.process.errors import CommandError
from browserwatch.devtools import storage
from browserwatch.devtools.connection import DevTools
from browserwatch.sessions.errors import SessionError
from browserwatch.sessions.snapshot import Snapshot


class Session:
    """What the browser has since it was made new."""

    def __init__(self) -> None:
        self._origins: OrderedDict[str, bool] = OrderedDict()  # origin -> whether it was put in

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that it knows, the last visited first."""
        return tuple(reversed(self._origins))

    def forget(self) -> None:
        """The browser is new."""
        self._origins.clear()

    def visited(self, url: str) -> None:
        """A page was shown in the main frame of a tab. The origins that were left longest ago are forgotten."""
        if (origin := origin_of(url)) is not None:
            self._origins[origin] = self._origins.get(origin, False)
            self._origins.move_to_end(origin)
            if len(self._origins) > storage.MAX_ORIGINS:
                self._origins.popitem(last=False)

    async def restore(self, devtools: DevTools, command: Restore) -> Restored:
        """Put a session in, once, before the work.

        Raises:
            CommandError: it is not a session.
            DevToolsError: the browser is gone.
        """
        try:
            snapshot = Snapshot.decode(command.snapshot)
        except SessionError as error:
            raise CommandError("infrastructure", str(error)) from None
        failed_cookies, failed_origins = await asyncio.gather(
            storage.write_cookies(devtools, snapshot.cookie_params()),
            storage.write_local_storage(devtools, snapshot.local_storage),
        )
        for origin in snapshot.local_storage:
            self._origins[origin] = True
        return Restored(
            id=command.id,
            cookies=snapshot.counts.cookies,
            origins=snapshot.counts.origins,
            failed_cookies=failed_cookies,
            failed_origins=failed_origins,
        )

    async def capture(self, devtools: DevTools, command: Capture) -> Captured:
        """Take the session out: of every origin it knows, or without opening a tab of the open ones.

        Raises:
            DevToolsError: the browser is gone.
        """
        if command.full:
            read = await storage.read_local_storage(devtools, self.origins)
        else:
            read = await storage.read_open_tabs(devtools)
        cookies = await storage.read_cookies(devtools)
        # Empty is worth saying only where there was something before.
        kept = {origin: items for origin, items in read.items.items() if items or self._origins.get(origin)}
        snapshot = Snapshot.from_devtools(cookies, kept).encode()
        return Captured(id=command.id, snapshot=snapshot, failed_origins=read.failed)


def origin_of(url: str) -> str | None:
    """The origin of a page's URL as Chromium writes it; None when it has none that can be visited."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme in ("http", "https") else None
