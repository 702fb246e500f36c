import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from demo_prompts import chat, state
from starlette.types import Receive, Scope, Send

from browserwatch.demo import DemoError, Fault, Scenario, Step, demo_site, scripted_model, serve_in_thread


def test_serves_and_stops() -> None:
    """A server answers inside its block, and leaves neither port nor thread behind."""
    before = set(threading.enumerate())
    with serve_in_thread(demo_site()) as url:
        assert httpx.get(f"{url}/table").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert set(threading.enumerate()) == before


def test_stops_after_an_error() -> None:
    """A block that fails stops its server too, and the error comes through."""
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), serve_in_thread(demo_site()):
        raise ZeroDivisionError
    assert set(threading.enumerate()) == before


def test_two_at_once() -> None:
    """Servers get ports of their own."""
    with serve_in_thread(demo_site()) as one, serve_in_thread(demo_site()) as two:
        assert one != two
        assert httpx.get(two).status_code == 200


def test_taken_port() -> None:
    """A taken port is named in the error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"127.0.0.1:{port}"), serve_in_thread(demo_site(), port=port):
            pass


def test_a_slow_answer_does_not_hold_the_server() -> None:
    """At the end of the block an answer still in the making is given up."""
    arrived = threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        await demo_site()(scope, receive, send)

    with ThreadPoolExecutor(1) as pool:
        with serve_in_thread(slow) as url:
            request = pool.submit(httpx.get, f"{url}/slow?seconds=30", timeout=60)
            assert arrived.wait(10)
            begin = time.monotonic()
        assert time.monotonic() - begin < 5
        assert isinstance(request.exception(10), httpx.HTTPError) or request.result().is_error


def test_dropped_connection() -> None:
    """A dropped connection is one for the client too, once, and is on record."""
    steps = (Step(actions=({"done": {}},), fault=Fault("dropped", times=1)),)
    model = scripted_model([Scenario(name="mine", steps=steps)])
    with serve_in_thread(model) as url:
        request = chat(state("[scenario: mine]"))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{url}/v1/chat/completions", json=request)
        assert httpx.post(f"{url}/v1/chat/completions", json=request).status_code == 200
    assert [recorded.status for recorded in model.state.requests] == [0, 200]


def test_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """A server adds nothing to the program's logs, and other servers' lines stay."""
    caplog.set_level(logging.DEBUG)
    with serve_in_thread(demo_site()) as url:
        httpx.get(url)
        logging.getLogger("uvicorn.error").info("from another server")
    messages = [record.message for record in caplog.records if record.name.startswith("uvicorn")]
    assert messages == ["from another server"]


@contextmanager
def program(*arguments: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-m", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:  # our own
        try:
            yield process
        finally:
            process.kill()


def announced(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())["url"]


def test_site_program_ends_with_stdin() -> None:
    """The program says where it is, and ends well when whoever started it is gone."""
    with program("browserwatch.demo.site", "--port", "0") as process:
        assert httpx.get(f"{announced(process)}/table").status_code == 200
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0


def test_model_program_ends_on_sigterm(tmp_path: Path) -> None:
    """The program takes scenarios and latency, and ends well on SIGTERM."""
    path = tmp_path / "mine.json"
    path.write_text('[{"name": "mine", "steps": [{"actions": [{"done": {"text": "from the file"}}]}]}]')
    with program("browserwatch.demo.model", "--scenarios", str(path), "--latency", "0.01") as process:
        response = httpx.post(f"{announced(process)}/v1/chat/completions", json=chat(state("[scenario: mine]")))
        assert "from the file" in response.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_model_program_with_bad_scenarios(tmp_path: Path) -> None:
    """A bad file of scenarios is one line on stderr."""
    with program("browserwatch.demo.model", "--scenarios", str(tmp_path / "none.json")) as process:
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 1
        assert errors.startswith("error: can't read scenarios from ")
        assert errors.count("\n") == 1
