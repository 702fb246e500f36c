"""Starting an agent process: its directory, its environment, its end of the socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from browserwatch.agents.agent import Agent, OnLost, Spawned
from browserwatch.agents.channel import Channel
from browserwatch.agents.directories import AgentDirectories, remove
from browserwatch.agents.errors import AgentStartError
from browserwatch.agents.messages import LINE_LIMIT, Configure, Ready
from browserwatch.agents.orphans import VARIABLE
from browserwatch.events import Emit
from browserwatch.processes.chromium import find_chromium, unsandboxed_because
from browserwatch.processes.lifetime import ending_with_parent
from browserwatch.settings import PREFIX, ServiceSettings, Settings

PROGRAM: Final = ("-m", "browserwatch.agents.process")
# What the service alone is told, all its secrets among it. Providers of models read variables of their own.
WITHHELD: Final = frozenset(
    f"{PREFIX}{name}".upper() for name in ServiceSettings.model_fields.keys() - Settings.model_fields.keys()
)


class StartAgent(Protocol):
    """How the pool comes by agents."""

    async def __call__(self, agent_id: str, on_lost: OnLost) -> tuple[Agent, Ready]:
        """A new agent that takes commands, and what it said of itself.

        Raises:
            BrowserwatchError, OSError: it can't be started; nothing of it is left.
        """
        ...


class AgentLauncher:
    """Starts agent processes.

    Args:
        settings: what they are told.
        directories: where they work.
        emit: told what happens in them.
        program: arguments to Python that start one.
        chromium: finds the browser.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        directories: AgentDirectories,
        emit: Emit,
        *,
        program: tuple[str, ...] = PROGRAM,
        chromium: Callable[[], Path] = lambda: find_chromium().path,
    ) -> None:
        self._settings = settings
        self._directories = directories
        self._emit = emit
        self._program = program
        self._find_chromium = chromium
        self._chromium: Path | None = None

    async def __call__(self, agent_id: str, on_lost: OnLost) -> tuple[Agent, Ready]:
        """As `StartAgent`."""
        if self._chromium is None:
            self._chromium = await asyncio.to_thread(self._find_chromium)
        directory = self._directories.make(agent_id)
        try:
            spawned = await self._spawn(agent_id, directory)
        except BaseException:
            await asyncio.to_thread(remove, directory)
            raise
        channel = Channel(spawned.reader, spawned.writer, self._emit)
        agent = Agent(spawned, channel, self._settings.agent_unresponsive_seconds, on_lost)
        try:
            return agent, await agent.start(
                self._configure(directory, self._chromium), self._settings.agent_start_timeout_seconds
            )
        except BaseException:
            await agent.end()
            raise

    async def _spawn(self, agent_id: str, directory: Path) -> Spawned:
        ours, theirs = socket.socketpair()
        try:
            reader, writer = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT)
            try:
                process = await self._execute(theirs, directory)
            except BaseException:
                writer.close()
                raise
        except OSError as error:
            raise AgentStartError(f"agent {agent_id} can't be started: {error.strerror}") from None
        finally:
            theirs.close()
        return Spawned(agent_id, directory, process, reader, writer)

    async def _execute(self, theirs: socket.socket, directory: Path) -> asyncio.subprocess.Process:
        number = theirs.fileno()
        return await asyncio.create_subprocess_exec(
            *ending_with_parent(signal.SIGKILL, sys.executable, *self._program, str(number)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(number,),
            env=environment(directory),
            # A Ctrl-C is for the service, which drains; and its group can be ended as one.
            start_new_session=True,
        )

    def _configure(self, directory: Path, chromium: Path) -> Configure:
        wanted = self._settings.chromium_sandbox
        return Configure(
            directory=str(directory),
            chromium=str(chromium),
            sandbox=wanted == "on" or (wanted == "auto" and not unsandboxed_because()),
            egress_allow=self._settings.egress_allow,
        )


def environment(directory: Path) -> dict[str, str]:
    """An agent's environment: ours without what is the service's alone."""
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in WITHHELD}
    return {**inherited, VARIABLE: str(directory)}
