"""Real browser-use agents in real Chromium, on the demo site, with the scripted model."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from browserwatch.demo import Scenario, demo_site, scripted_model, serve_in_thread
from browserwatch.events import Event
from browserwatch.instrumentation import instrument, uninstrument
from browserwatch.metrics import Instruments, Recorder
from browserwatch.processes.chromium import find_chromium, start_empty

SECRETS = {"user": "alice-the-user", "password": "hunter2 & co?"}


@dataclass
class Watched:
    """What an instrumented program showed."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    events: list[Event] = field(default_factory=list[Event])
    instruments: Instruments = field(default_factory=Instruments)
    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))

    def __post_init__(self) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.registry.register(self.instruments)
        self._recorder = Recorder(self.instruments)
        self._reactions: list[tuple[type[Event], Callable[[], object]]] = []

    def emit(self, event: Event) -> None:
        """Take an event, as a user's sink would."""
        self.events.append(event)
        self._recorder.record(event)
        for reaction in [found for found in self._reactions if isinstance(event, found[0])]:
            self._reactions.remove(reaction)
            reaction[1]()

    def once(self, kind: type[Event], act: Callable[[], object]) -> None:
        """Do something at the next event of a kind."""
        self._reactions.append((kind, act))

    def start(self) -> None:
        """Instrument the process into this object."""
        instrument(tracer_provider=self.provider, emit=self.emit)

    @property
    def spans(self) -> list[ReadableSpan]:
        """All finished spans, oldest first."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def named(self, prefix: str) -> list[ReadableSpan]:
        """Finished spans whose name starts so."""
        return [span for span in self.spans if span.name.startswith(prefix)]

    def of(self, kind: type[Event]) -> list[Any]:
        """Events of one type."""
        return [event for event in self.events if isinstance(event, kind)]

    def sample(self, name: str, **labels: str) -> float:
        """Value of a metric's sample, 0 when there is none."""
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def watched() -> Iterator[Watched]:
    """An instrumented process; put back afterwards."""
    state = Watched()
    state.start()
    yield state
    uninstrument()
    state.provider.shutdown()


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The demo site."""
    with serve_in_thread(demo_site()) as url:
        yield url


@pytest.fixture(scope="session")
def model() -> Iterator[str]:
    """The scripted model."""
    with serve_in_thread(scripted_model()) as url:
        yield url


@dataclass
class Lab:
    """Makes agents and browser sessions that leave nothing behind."""

    site: str
    model: str
    directory: Path
    clients: list[Any] = field(default_factory=list[Any])
    sessions: list[Any] = field(default_factory=list[Any])

    def llm(self, name: str = "gpt-4.1-mini") -> Any:
        """An OpenAI model object with one HTTP client of its own (a client per call can stall: docs/limits.md)."""
        from browser_use import ChatOpenAI
        from openai import DefaultAsyncHttpxClient

        client = DefaultAsyncHttpxClient()
        self.clients.append(client)
        return ChatOpenAI(
            model=name,
            base_url=f"{self.model}/v1",
            api_key="sk-test-0123456789abcdef",
            max_retries=0,
            http_client=client,
        )

    def session(self, **options: Any) -> Any:
        """A browser session with directories of its own."""
        from browser_use.browser import BrowserProfile, BrowserSession

        number = len(self.sessions)
        start_empty(self.directory / f"profile-{number}")
        session = BrowserSession(
            browser_profile=BrowserProfile(
                executable_path=find_chromium().path,
                headless=True,
                chromium_sandbox=os.geteuid() != 0,
                enable_default_extensions=False,
                user_data_dir=self.directory / f"profile-{number}",
                downloads_path=self.directory / f"downloads-{number}",
                **options,
            )
        )
        self.sessions.append(session)
        return session

    def agent(self, scenario: str | Scenario, **options: Any) -> Any:
        """An agent for a scenario of the scripted model."""
        from browser_use import Agent

        name = scenario if isinstance(scenario, str) else scenario.name
        options.setdefault("llm", self.llm())
        options.setdefault("browser_session", self.session())
        agent_class = options.pop("agent_class", Agent)
        return agent_class(
            task=f"[scenario: {name}] site: {self.site}",
            use_judge=options.pop("use_judge", False),
            use_vision=False,
            directly_open_url=False,
            enable_signal_handler=False,
            file_system_path=str(self.directory),
            **options,
        )

    async def close(self) -> None:
        """End the browsers and the HTTP clients."""
        for session in self.sessions:
            await session.kill()
        for client in self.clients:
            await client.aclose()


@pytest.fixture
async def lab(site: str, model: str, tmp_path: Path) -> AsyncIterator[Lab]:
    """A lab for one test."""
    state = Lab(site, model, tmp_path)
    yield state
    await state.close()
