import asyncio
import gc
import http.client
import os
import selectors
import socket
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from http.server import ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from browserwatch.errors import ConfigurationError, PortInUseError
from browserwatch.metrics import metrics_app, start_metrics_server
from browserwatch.metrics.exposition import ASGIApp, Message, MetricsServer

# The library types it partly.
read_openmetrics: Callable[[str], Iterable[Metric]] = cast("Any", parser).text_string_to_metric_families
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = f"{OPENMETRICS};q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


class Gated(Collector):
    """A collector that waits in `collect` until its gate opens, and counts."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.collected = 0
        self.threads: set[int] = set()

    def collect(self) -> Iterable[Metric]:
        """One sample: how often this was called."""
        self.collected += 1
        self.threads.add(threading.get_ident())
        self.entered.set()
        assert self.gate.wait(5)
        metric = Metric("gated", "How often this was collected.", "gauge")
        metric.add_sample("gated", {}, self.collected)
        yield metric

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not wait at the gate."""
        return []


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("level", "Level.", registry=registry).set(3)
    return registry


@pytest.fixture
def gated() -> Generator[Gated]:
    collector = Gated()
    yield collector
    collector.gate.set()


@pytest.fixture
def gated_app(gated: Gated) -> ASGIApp:
    registry = CollectorRegistry()
    registry.register(gated)
    return metrics_app(registry)


class Response:
    """What an ASGI app answered."""

    def __init__(self, messages: list[Message]) -> None:
        start, *bodies = messages
        self.status: int = start["status"]
        self.headers: dict[bytes, bytes] = dict(start["headers"])
        self.text = b"".join(message["body"] for message in bodies).decode()
        self.types = [message["type"] for message in messages]


async def request(app: ASGIApp, method: str = "GET", accept: str | None = None) -> Response:
    """One request to an ASGI app, without a server."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("a scrape has no body to read")

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if accept is None else [(b"Accept", accept.encode())]
    await app({"type": "http", "method": method, "path": "/metrics", "headers": headers}, receive, send)
    return Response(sent)


# --- the ASGI app ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("accept", [None, "", "*/*", "text/plain", "text/plain;version=0.0.4", "text/html"])
async def test_text(registry: CollectorRegistry, accept: str | None) -> None:
    """Who asks for nothing else gets the text format."""
    response = await request(metrics_app(registry), accept=accept)
    assert response.status == 200
    assert response.headers[b"content-type"] == b"text/plain; version=0.0.4; charset=utf-8"
    assert response.types == ["http.response.start", "http.response.body"]
    assert [sample.value for family in parse_text(response.text) for sample in family.samples] == [3]


@pytest.mark.parametrize("accept", [OPENMETRICS, PROMETHEUS, "application/openmetrics-text"])
async def test_openmetrics(registry: CollectorRegistry, accept: str) -> None:
    """Who asks for OpenMetrics, as Prometheus does, gets it."""
    response = await request(metrics_app(registry), accept=accept)
    assert response.headers[b"content-type"].startswith(b"application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert response.text.endswith("# EOF\n")
    families = read_openmetrics(response.text)
    assert [sample.value for family in families for sample in family.samples] == [3]


async def test_head(registry: CollectorRegistry) -> None:
    """HEAD gets the head of GET, without the body."""
    app = metrics_app(registry)
    head, get = await request(app, "HEAD", OPENMETRICS), await request(app, "GET", OPENMETRICS)
    assert (head.status, head.headers, head.text) == (200, get.headers, "")
    assert get.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
async def test_other_methods(method: str, gated: Gated, gated_app: ASGIApp) -> None:
    """Nothing but GET and HEAD, and nothing is rendered for it."""
    response = await request(gated_app, method)
    assert (response.status, response.headers, response.text) == (405, {b"allow": b"GET, HEAD"}, "")
    assert gated.collected == 0


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_other_protocols(registry: CollectorRegistry, kind: str) -> None:
    """Another protocol is refused in the way that ASGI servers expect of an app that lacks it."""
    with pytest.raises(ValueError, match=kind):
        await metrics_app(registry)({"type": kind}, cast("Any", None), cast("Any", None))


async def entered(gated: Gated) -> None:
    """Waits until the collector is busy."""
    assert await asyncio.to_thread(gated.entered.wait, 10)


async def turns(count: int = 5) -> None:
    """Lets the tasks that can run, run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_concurrent_scrapes_share_a_rendering(gated: Gated, gated_app: ASGIApp) -> None:
    """Scrapes that arrive while one is being rendered get that rendering; the next one gets a new one."""
    first = asyncio.create_task(request(gated_app))
    await entered(gated)
    others = [asyncio.create_task(request(gated_app)) for _ in range(5)]
    await turns()
    assert not any(task.done() for task in others)
    gated.gate.set()
    responses = await asyncio.gather(first, *others)
    assert gated.collected == 1
    assert {response.text for response in responses} == {(await first).text}
    assert "gated 1.0" in (await first).text
    assert "gated 2.0" in (await request(gated_app)).text


async def test_formats_do_not_mix(gated: Gated, gated_app: ASGIApp) -> None:
    """A scrape in the other format does not get the rendering that is under way."""
    text = asyncio.create_task(request(gated_app))
    await entered(gated)
    openmetrics = asyncio.create_task(request(gated_app, accept=OPENMETRICS))
    await turns()
    gated.gate.set()
    assert "# EOF" not in (await text).text
    assert "# EOF" in (await openmetrics).text
    assert gated.collected == 2


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_a_cancelled_scraper(gated: Gated, gated_app: ASGIApp, leaver: int) -> None:
    """A scraper that hangs up, also the one who came first, does not break the others."""
    tasks = [asyncio.create_task(request(gated_app)) for _ in range(3)]
    await entered(gated)
    await turns()
    tasks[leaver].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[leaver]
    gated.gate.set()
    for number, task in enumerate(tasks):
        if number != leaver:
            assert "gated 1.0" in (await task).text
    assert gated.collected == 1


async def test_all_scrapers_cancelled(gated: Gated, gated_app: ASGIApp) -> None:
    """When all hang up, the next scrape still works."""
    task = asyncio.create_task(request(gated_app))
    await entered(gated)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gated.gate.set()
    assert "gated " in (await request(gated_app)).text


async def test_rendering_is_off_the_loop(gated: Gated, gated_app: ASGIApp) -> None:
    """While a scrape is rendered the event loop goes on: here it is the loop that opens the gate."""
    task = asyncio.create_task(request(gated_app))
    await entered(gated)
    gated.gate.set()
    assert (await task).status == 200
    assert threading.get_ident() not in gated.threads


async def test_a_broken_collector() -> None:
    """A collector that raises fails its scrape, and not the ones after it."""
    broken = True

    class Broken(Collector):
        def collect(self) -> Iterable[Metric]:
            if broken:
                raise RuntimeError("broken collector")
            return []

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Broken())
    app = metrics_app(registry)
    with pytest.raises(RuntimeError, match="broken collector"):
        await request(app)
    broken = False
    assert (await request(app)).status == 200


@pytest.mark.parametrize(
    "accept", ["\xff", "," * 10_000, "application/openmetrics-text; version=", ";;;", "text/plain;version"]
)
async def test_odd_accept_headers(registry: CollectorRegistry, accept: str) -> None:
    """Whatever a client asks for, it gets metrics."""
    assert (await request(metrics_app(registry), accept=accept)).status == 200


async def test_odd_version_in_accept_header(registry: CollectorRegistry) -> None:
    """A client that asks for a version nobody knows does not make the app raise."""
    accept = "application/openmetrics-text; version=latest"
    assert (await request(metrics_app(registry), accept=accept)).status == 200


# --- the server --------------------------------------------------------------------------------------------------------
def scrape(server: MetricsServer, accept: str = "") -> tuple[int, str, str]:
    address = urlsplit(server.url)
    assert address.path == "/metrics"
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)) as client:
        client.request("GET", address.path, headers={"Accept": accept})
        response = client.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()


def can_connect(port: int) -> bool:
    with closing(socket.socket()) as client:
        client.settimeout(10)
        return client.connect_ex(("127.0.0.1", port)) == 0


def serving_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "browserwatch metrics"}


def test_server(registry: CollectorRegistry) -> None:
    """A free port on loopback, and both formats on it."""
    with start_metrics_server(0, registry=registry) as server:
        assert server.host == "127.0.0.1"
        assert server.port > 0
        assert server.url == f"http://127.0.0.1:{server.port}/metrics"
        status, content_type, text = scrape(server)
        assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert "level 3.0" in text
        assert scrape(server, PROMETHEUS)[2].endswith("# EOF\n")


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_server_on_ipv6(registry: CollectorRegistry) -> None:
    """An IPv6 address is put in brackets in the server's URL."""
    try:
        server = start_metrics_server(0, "::1", registry)
    except ConfigurationError as error:
        pytest.skip(str(error))
    with server:
        assert server.url == f"http://[::1]:{server.port}/metrics"
        assert scrape(server)[0] == 200


def test_close_frees_the_port(registry: CollectorRegistry) -> None:
    """After closing nobody listens, the thread is gone, and the same port can be taken again."""
    before = serving_threads()
    server = start_metrics_server(0, registry=registry)
    started = serving_threads() - before
    assert len(started) == 1
    assert all(thread.daemon for thread in started)
    assert can_connect(server.port)
    server.close()
    assert not any(thread.is_alive() for thread in started)
    assert not can_connect(server.port)
    with start_metrics_server(server.port, registry=registry) as again:
        assert again.port == server.port
        assert scrape(again)[0] == 200


def test_server_head(registry: CollectorRegistry) -> None:
    """HEAD gets no body."""
    with start_metrics_server(0, registry=registry) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        with closing(client):
            client.request("HEAD", "/metrics")
            response = client.getresponse()
            assert (response.status, response.read()) == (200, b"")
            assert int(response.headers["Content-Length"]) > 0


def test_server_with_a_broken_collector(caplog: pytest.LogCaptureFixture) -> None:
    """The scrape fails with status 500, without what the error says; the next one is answered."""

    class Broken(Collector):
        def collect(self) -> Iterable[Metric]:
            raise RuntimeError("a secret")

    broken = Broken()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(broken)
    with start_metrics_server(0, registry=registry) as server:
        status, _, text = scrape(server)
        assert status == 500
        registry.unregister(broken)
        assert scrape(server)[0] == 200
    assert "A scrape failed (RuntimeError)" in caplog.text
    assert "a secret" not in caplog.text + text


def test_an_idle_server_sleeps(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never wakes up by itself, between scrapes neither."""
    waits: list[float | None] = []

    class Watched(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> Any:
            waits.append(timeout)
            return super().select(timeout)

    monkeypatch.setattr(selectors, "DefaultSelector", Watched)
    with start_metrics_server(0, registry=registry) as server:
        for _ in range(2):
            assert scrape(server)[0] == 200
    assert waits == [None] * 3


def test_a_server_that_nobody_holds_goes_on(registry: CollectorRegistry) -> None:
    """Most programs start it and forget what they got."""
    before = serving_threads()
    port = start_metrics_server(0, registry=registry).port
    gc.collect()
    assert scrape(MetricsServer("127.0.0.1", port, lambda: None))[0] == 200

    held = next(it for it in gc.get_objects() if isinstance(it, ThreadingHTTPServer) and it.server_port == port)
    held.shutdown()
    for thread in serving_threads() - before:
        thread.join()
    held.server_close()


def test_close_with_a_copy_of_its_sockets(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork has copies of all sockets; closing must not wait for them."""
    make, copies = socket.socketpair, list[socket.socket]()

    def copied() -> tuple[socket.socket, socket.socket]:
        pair = make()
        copies.extend(one.dup() for one in pair)
        return pair

    monkeypatch.setattr(socket, "socketpair", copied)
    before = serving_threads()
    with start_metrics_server(0, registry=registry):
        pass
    assert serving_threads() == before
    for copy in copies:
        copy.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_close_in_the_child_of_a_fork(registry: CollectorRegistry) -> None:
    """The child lets go of its copies, and the parent goes on answering."""
    with start_metrics_server(0, registry=registry) as server:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                server.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert scrape(server)[0] == 200


def test_close_twice(registry: CollectorRegistry) -> None:
    """Closing what is closed does nothing."""
    with start_metrics_server(0, registry=registry) as server:
        server.close()


def test_port_in_use(registry: CollectorRegistry) -> None:
    """A taken port is told with its number and address, and a way out."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        before = serving_threads()
        with pytest.raises(PortInUseError) as caught:
            start_metrics_server(port, registry=registry)
    assert str(caught.value) == (
        f"Metrics port {port} on 127.0.0.1 is in use by another program; choose another port, or 0 for a free one."
    )
    assert serving_threads() == before


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_port_out_of_range(port: int) -> None:
    """A port that can't exist is refused before anything is tried."""
    with pytest.raises(ConfigurationError) as caught:
        start_metrics_server(port)
    assert str(caught.value) == f"Metrics port {port} is out of range; use 0 (any free port) to 65535."


def unresolvable(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_address_of_another_machine(registry: CollectorRegistry, host: str) -> None:
    """An address that is not this machine's is told with it."""
    with pytest.raises(ConfigurationError) as caught:
        start_metrics_server(0, host, registry)
    assert str(caught.value).startswith(f"Can't serve metrics on {host}:0: ")


def test_unknown_host(monkeypatch: pytest.MonkeyPatch, registry: CollectorRegistry) -> None:
    """A name that resolves to nothing is told with it."""
    monkeypatch.setattr(socket, "getaddrinfo", unresolvable)
    with pytest.raises(
        ConfigurationError, match=r"^Can't serve metrics on nowhere\.invalid:0: Name or service not known"
    ):
        start_metrics_server(0, "nowhere.invalid", registry)


@pytest.mark.parametrize("host", ["a" * 300, "a..b"])
def test_impossible_host(registry: CollectorRegistry, host: str) -> None:
    """What can't be a host name at all is told as well."""
    with pytest.raises(ConfigurationError, match=f"^'{host}' is no host name"):
        start_metrics_server(0, host, registry)
