"""`browserwatch up` from the lock on its directory to the end of the last part."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from browserwatch.cli.demo.serving import scripted
from browserwatch.cli.picture import save_picture
from browserwatch.cli.terminal import make_console, printable
from browserwatch.cli.up.display import PartsView, shown, told_missing
from browserwatch.cli.up.workload import Workload
from browserwatch.demo import demo_site, scripted_model, serve_in_thread
from browserwatch.errors import ConfigurationError
from browserwatch.pipeline import AlertReceiver, Plan, Supervisor, make_plan
from browserwatch.pipeline.ports import Ports, choose_ports
from browserwatch.sessions.directory_lock import FileLock
from browserwatch.settings import PipelineSettings, load_pipeline_settings

WIDTH: Final = 110
"""Of a picture."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
MODEL_SECONDS: Final = 0.25
"""What the scripted model takes for an answer."""

DEMO_GRACE_SECONDS: Final = 3
"""Nobody waits for a scripted run to finish."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    demo: bool = False
    port: int | None = None
    data_dir: Path | None = None
    record: Path | None = None


def run_up(options: Options) -> int:
    """Start everything, show it, and end it on Ctrl-C or SIGTERM.

    Returns:
        The exit code: 0 after a stop that was asked for.

    Raises:
        BrowserwatchError: it can't be started; the message says why.
    """
    with _data_dir(options) as data_dir:
        settings = load_pipeline_settings(port=options.port, data_dir=data_dir)
        console = make_console(width=WIDTH, record=True) if options.record else make_console()
        with _alone(settings.data_dir / "up"), contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_Up(settings, console).run(demo=options.demo))
        if options.record:
            save_picture(console, options.record, "browserwatch up")
    return 0


class _Up:
    def __init__(self, settings: PipelineSettings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._directory = settings.data_dir.absolute() / "up"

    async def run(self, *, demo: bool) -> None:
        """Until told to stop."""
        ports = choose_ports(Ports(service=self._settings.port))
        receiver = AlertReceiver(self._directory / "alerts.jsonl", self._tell)
        with ExitStack() as stack, _cancelled_by_signals():
            site, variables = stack.enter_context(_demo_places()) if demo else ("", {})
            stack.enter_context(serve_in_thread(receiver.app(), port=ports.alerts))
            plan = make_plan(self._settings, ports, variables)
            self._console.print(f"Starting {', '.join(part.name for part in plan.parts)}", style="dim")
            supervisor = Supervisor(plan.parts, self._directory / "logs", self._tell)
            async with supervisor:
                self._introduce(plan)
                view = PartsView(supervisor.running, receiver.names)
                work = Workload(plan.parts[-1].address, site, self._tell).working() if demo else nullcontext()
                with shown(view, self._console), work:
                    try:
                        await supervisor.follow()
                    finally:
                        if self._console.record:  # what it came to, in place of what it began with
                            self._console.print(view)
                        self._tell("stopping: runs may finish, then every part ends")

    def _introduce(self, plan: Plan) -> None:
        for part in plan.missing:
            self._console.print(told_missing(part), soft_wrap=not self._console.record)
        if plan.traces is not None:
            self._note("traces", plan.traces)
        self._note("logs", self._directory / "logs")
        self._console.print("Ctrl-C stops all; a second one does not wait for runs to finish.\n", style="dim")

    def _note(self, name: str, path: Path) -> None:
        self._console.print(Text.assemble((f"{name:<8}", "bold"), str(path)), soft_wrap=not self._console.record)

    def _tell(self, line: str) -> None:
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        self._console.print(Text.assemble((f"{now}  ", "dim"), printable(line)), soft_wrap=not self._console.record)


@contextmanager
def _data_dir(options: Options) -> Generator[Path | None]:
    """The one that was chosen; for a demo without one, a directory that is removed again."""
    if not options.demo or options.data_dir is not None:
        yield options.data_dir
        return
    with tempfile.TemporaryDirectory(prefix="browserwatch-up-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@contextmanager
def _alone(directory: Path) -> Generator[None]:
    """One pipeline at a time uses a directory."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(directory / "lock")
        taken = lock.take()
    except OSError as error:
        raise ConfigurationError(
            f"BROWSERWATCH_DATA_DIR={str(directory.parent)!r} can't be used: {error.strerror};"
            " give a directory that this user can write to."
        ) from None
    if not taken:
        raise ConfigurationError(
            f"BROWSERWATCH_DATA_DIR={str(directory.parent)!r} is in use by another `browserwatch up`;"
            " stop that one, or give this one a directory of its own."
        )
    try:
        yield
    finally:
        lock.drop()


@contextmanager
def _cancelled_by_signals() -> Generator[None]:
    """Each signal cancels the task that runs now."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None:
        raise RuntimeError("there is always a task here")
    for number in SIGNALS:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextmanager
def _demo_places() -> Generator[tuple[str, dict[str, str]]]:
    """The demo site, and variables that have the service work on it with the scripted model."""
    with serve_in_thread(demo_site()) as site, serve_in_thread(scripted_model(latency=MODEL_SECONDS)) as model:
        yield site, {**scripted(site, model), "BROWSERWATCH_SHUTDOWN_GRACE_SECONDS": str(DEMO_GRACE_SECONDS)}
