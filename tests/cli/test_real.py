"""The commands as a user runs them, with a real Chromium."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

pytestmark = pytest.mark.real
COMMAND = [sys.executable, "-c", "from browserwatch.cli import main; main()"]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The user's, with directories of its own for configuration and temporary files."""
    configuration = tmp_path / "config"
    configuration.mkdir()
    # pytest's directories have long names, and a socket's name must be short.
    with TemporaryDirectory(prefix="cli-", ignore_cleanup_errors=True) as temporary:
        yield {**os.environ, "TMPDIR": temporary, "XDG_CONFIG_HOME": str(configuration)}


def left_behind(environment: dict[str, str]) -> list[object]:
    """Files in the directories for temporary files and configuration, and processes that use them."""
    directory = environment["TMPDIR"]
    files = [file for name in ("TMPDIR", "XDG_CONFIG_HOME") for file in Path(environment[name]).iterdir()]
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [*files, *(command for command in commands if directory in command)]


def test_demo(environment: dict[str, str], tmp_path: Path) -> None:
    """Four runs end as designed, a login is found warm and restored, all is told in tables; nothing is left behind."""
    picture = tmp_path / "demo.svg"
    done = subprocess.run(
        [*COMMAND, "demo", "--record", str(picture)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    runs = {
        name: re.search(rf"^{name} +fresh +(\w+)  +(?:(\w+)  +)?(\d+) ", done.stdout, re.MULTILINE)
        for name in ("click-tour", "read-table", "shop-login", "failing")
    }
    assert {name: found.groups() for name, found in runs.items() if found} == {
        "click-tour": ("success", None, "11"),
        "read-table": ("success", None, "3"),
        "shop-login": ("success", None, "4"),
        "failing": ("failure", "navigation", "4"),
    }
    assert re.findall(r"^/account +(\w+) +200 +signed in", done.stdout, re.MULTILINE) == ["warm", "restored"]
    for expected in (
        "Slowest steps",
        "agent_acquire fresh",
        "page_fetch /missing by agent: 404",
        "✗ navigation",
        'browser_session_reuse_total{source="restored"}',
        "failing: step 2: click ✗ (error)",
    ):
        assert expected in done.stdout
    assert re.search(r"^status +pass", done.stdout, re.MULTILINE)
    assert re.search(r"browser_instrumentation_errors_total +0 *\n", done.stdout)
    assert "Traceback" not in done.stdout
    assert "analytical-engine" not in done.stdout + picture.read_text()
    assert "fonts" not in picture.read_text()
    assert left_behind(environment) == []


def test_ctrl_c(environment: dict[str, str]) -> None:
    """In mid-run: one word, exit code 130, and no browser or directory stays."""
    with subprocess.Popen(
        [*COMMAND, "demo"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "step 1" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "Stopped.\n"), rest
    assert left_behind(environment) == []


def test_serve_keeps_service_and_site_up(environment: dict[str, str]) -> None:
    """After the report all answer until Ctrl-C, which is the ordinary end."""
    with subprocess.Popen(
        [*COMMAND, "demo", "--serve"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        addresses: list[str] = []
        for line in process.stdout:
            addresses += re.findall(r"^(?:Health|Metrics|Site) +(http://\S+)", line)
            if "until Ctrl-C" in line:
                break
        pages = [urllib.request.urlopen(address, timeout=10).read().decode() for address in addresses]  # noqa: S310  # its own
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    words = ('"ping_ms"', "browser_runs_total", "<html")
    assert [word in page for word, page in zip(words, pages, strict=True)] == [True] * 3
    assert process.returncode == 0
    assert left_behind(environment) == []


def test_doctor(environment: dict[str, str]) -> None:
    """On a machine where the demo works nothing fails; a really started Chromium leaves nothing."""
    done = subprocess.run(
        [*COMMAND, "doctor", "--json", "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    results = {found["check"]: found for found in json.loads(done.stdout)}
    assert re.fullmatch(r"headless, (Headless)?Chrome/[\d.]+", results["Chromium starts"]["message"])
    assert results["hooks"]["status"] == "pass"
    assert all(found["fix"] for found in results.values() if found["status"] != "pass")
    time.sleep(0.2)
    assert left_behind(environment) == []
