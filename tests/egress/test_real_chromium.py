"""A real Chromium behind the proxy: no way that a page has to make it connect leads around the policy."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from browserwatch.demo import demo_site, serve_in_thread
from browserwatch.egress import EgressPolicy, ThreadedEgressProxy, chromium_flags
from browserwatch.egress.addresses import IPAddress
from browserwatch.egress.dialling import Streams
from browserwatch.egress.hosts import target_of
from browserwatch.events import Event, PolicyBlocked
from tests.egress.browser import Page, chromium_page
from tests.egress.network import Network
from tests.egress.spellings import OTHER_SPELLINGS, PRIVATE_SPELLINGS

pytestmark = pytest.mark.real

# What a page can try. TCP and UDP are ports of this machine that nothing may be sent to.
TRIES: Final = {
    "fetch": "fetch('http://127.0.0.1:TCP/', {mode: 'no-cors'})",
    "fetch by name": "fetch('http://inside.test:TCP/', {mode: 'no-cors'})",
    "fetch by another spelling": "fetch('http://[::ffff:127.0.0.1]:TCP/', {mode: 'no-cors'})",
    "https": "fetch('https://127.0.0.1:TCP/', {mode: 'no-cors'})",
    "redirect": "fetch('/away', {mode: 'no-cors'})",
    "image": "new Promise(end => Object.assign(new Image(), {onerror: end, src: 'http://127.0.0.1:TCP/'}))",
    "frame": """new Promise(end => {
        const frame = Object.assign(document.createElement('iframe'), {onload: end, src: 'http://127.0.0.1:TCP/'});
        document.body.append(frame);
    })""",
    "worker": """new Promise(end => {
        const script = new Blob(["importScripts('http://127.0.0.1:TCP/')"], {type: 'text/javascript'});
        new Worker(URL.createObjectURL(script)).onerror = end;
    })""",
    "websocket": "new Promise(end => new WebSocket('ws://127.0.0.1:TCP/').onerror = end)",
    "turn": "gathered({urls: 'turn:127.0.0.1:TCP?transport=tcp', username: 'x', credential: 'x'})",
    "stun": "gathered({urls: 'stun:127.0.0.1:UDP'})",
    "webtransport": "new WebTransport('https://127.0.0.1:UDP/').ready",
}
# These send no request that the proxy could count a block of.
UNCOUNTED: Final = {"stun", "webtransport"}
GATHERED: Final = """window.gathered = server => new Promise(end => {
    const peer = new RTCPeerConnection({iceServers: [server]});
    peer.createDataChannel('x');
    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && end();
    setTimeout(end, 3000);
    peer.createOffer().then(offer => peer.setLocalDescription(offer));
})"""


class Trap:
    """Ports of this machine that count what reaches them, and answer nothing."""

    def __init__(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.tcp_port = int(self._tcp.getsockname()[1])
        self.udp_port = int(self._udp.getsockname()[1])
        self.reached: list[str] = []
        self._threads = [threading.Thread(target=self._accept), threading.Thread(target=self._receive)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Shut down, they wake their threads with an error or nothing.
        with suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._udp.sendto(b"", self._udp.getsockname())
        for thread in self._threads:
            thread.join(10)
        self._tcp.close()
        self._udp.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._tcp.accept()[0].close()
                self.reached.append("tcp")

    def _receive(self) -> None:
        while self._udp.recv(2048):
            self.reached.append("udp")


class Stage(NamedTuple):
    """A page of the allowed site, with everything that watches it."""

    page: Page
    site: str
    trap: Trap
    network: Network
    proxy: ThreadedEgressProxy
    happened: list[Event]

    def attempt(self, expression: str) -> None:
        """Have the page try something; how that ends for the page does not matter."""
        ports = expression.replace("TCP", str(self.trap.tcp_port)).replace("UDP", str(self.trap.udp_port))
        self.page.evaluate(
            f"Promise.race([{ports}, new Promise(end => setTimeout(end, 5000))]).catch(() => 0).then(() => 0)"
        )

    @property
    def visited(self) -> set[tuple[str, int]]:
        """What the proxy connected to."""
        return set(self.network.connected)


@contextmanager
def staged(directory: Path, *, without: str = "", adding: Sequence[str] = ()) -> Generator[Stage]:
    """Chromium with the proxy's flags, or without one of them."""
    with ExitStack() as stack:
        trap = stack.enter_context(Trap())

        def away(_: Request) -> Response:
            return RedirectResponse(f"http://127.0.0.1:{trap.tcp_port}/")

        site = stack.enter_context(serve_in_thread(Starlette(routes=[Route("/away", away), Mount("/", demo_site())])))
        port = int(site.rpartition(":")[2])
        network = Network()
        network.names = {"inside.test": [["127.0.0.1"]]}

        async def connect(address: IPAddress, to: int) -> Streams:
            network.connected.append((str(address), to))
            if to != port:
                raise ConnectionRefusedError
            return await asyncio.open_connection("127.0.0.1", port)

        happened: list[Event] = []
        policy = EgressPolicy.parse([f"127.0.0.1:{port}"])
        proxy = ThreadedEgressProxy(policy, happened.append, resolve=network.resolve, connect=connect)
        stack.enter_context(proxy)
        flags = [flag for flag in chromium_flags(proxy.port) if not without or without not in flag]
        page = stack.enter_context(chromium_page(directory, [*flags, *adding]))
        assert "Anvil" in page.go(f"{site}/table")
        page.evaluate(GATHERED)
        yield Stage(page, site, trap, network, proxy, happened)


def test_nothing_leads_around_the_proxy(tmp_path: Path) -> None:
    """Each try is blocked and counted; nothing reaches the trap, and the proxy connected to the allowed site only."""
    with staged(tmp_path) as stage:
        uncounted: set[str] = set()
        for name, expression in TRIES.items():
            before = len(stage.happened)
            stage.attempt(expression)
            if len(stage.happened) == before:
                uncounted.add(name)
        for url, text in _navigations(stage):
            assert stage.page.go(url) == text
            assert stage.proxy.blocked_rule("127.0.0.1", stage.trap.tcp_port) == "private_address"
    assert stage.trap.reached == []
    assert stage.visited == {("127.0.0.1", int(stage.site.rpartition(":")[2]))}
    assert uncounted == UNCOUNTED
    assert set(stage.happened) == {PolicyBlocked(rule="private_address")}


def _navigations(stage: Stage) -> list[tuple[str, str]]:
    blocked = "Blocked by the navigation policy: private_address."
    return [
        (f"http://127.0.0.1:{stage.trap.tcp_port}/", blocked),
        (f"http://inside.test:{stage.trap.tcp_port}/", blocked),
        (f"{stage.site}/away", blocked),
        (f"https://127.0.0.1:{stage.trap.tcp_port}/", "net::ERR_TUNNEL_CONNECTION_FAILED"),
    ]


@pytest.mark.parametrize(
    ("without", "attempt", "reached"),
    [("proxy-bypass-list", "fetch", "tcp"), ("webrtc-ip-handling-policy", "stun", "udp")],
)
def test_the_flags_are_needed(without: str, attempt: str, reached: str, tmp_path: Path) -> None:
    """Without them the same tries do reach the trap: it can catch something."""
    # WebRTC would announce itself to the network by multicast.
    with staged(tmp_path, without=without, adding=["--disable-features=WebRtcHideLocalIpsWithMdns"]) as stage:
        stage.attempt(TRIES[attempt])
    assert reached in stage.trap.reached


def test_urls_are_read_as_chromium_reads_them(tmp_path: Path) -> None:
    """A host is the same one to Chromium and to the policy; what they would read otherwise, one of them refuses."""
    hosts = (*PRIVATE_SPELLINGS, *OTHER_SPELLINGS)
    urls = [form.format(host) for form in ("http://{}/", "https:\\\\{}?") for host in hosts]
    with chromium_page(tmp_path, chromium_flags(1)) as page:
        theirs: list[str | None] = page.evaluate(
            f"{json.dumps(urls)}.map(url => {{ try {{ return new URL(url).hostname }} catch {{ return null }} }})"
        )
    different = {
        url: (ours, other)
        for url, ours, other in zip(urls, map(_hostname, urls), theirs, strict=True)
        if ours != other and None not in (ours, other)
    }
    assert different == {}
    assert None not in [_hostname(f"http://{host}/") for host in PRIVATE_SPELLINGS]


def _hostname(url: str) -> str | None:
    target = target_of(url)
    if target is None:
        return None
    return f"[{target.host}]" if ":" in str(target.host) else str(target.host)
