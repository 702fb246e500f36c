"""Other people's programs, unchanged, under `opentelemetry-instrument`.

Also from the built wheel, in clean environments, with the oldest and the newest browser-use that we claim.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from browserwatch.instrumentation.points import patch_points
from browserwatch.instrumentation.versions import NEWEST, OLDEST
from browserwatch.processes.chromium import find_chromium
from tests.agents.conftest import SECRETS

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("programs") / "agent.py"
# Runs the program, then reads the metrics that its own process serves.
WITH_METRICS = """
import runpy, sys, urllib.request
port, program = sys.argv.pop(), sys.argv.pop(1)
runpy.run_path(program, run_name="__main__")
print(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
"""


def environment(**more: str) -> dict[str, str]:
    """A user's environment: their exporter, browser-use's telemetry off."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "BROWSERWATCH_", "PYTEST_"))
    }
    return {
        **kept,
        "ANONYMIZED_TELEMETRY": "false",
        "BROWSER_USE_VERSION_CHECK": "false",
        "BROWSER_USE_DISABLE_EXTENSIONS": "1",
        "BROWSER_USE_CLOUD_HINTS": "false",
        "BROWSER_USE_LOGGING_LEVEL": "info",
        "BROWSERWATCH_CHROMIUM": str(find_chromium().path),
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        **more,
    }


def run(
    python: Path, arguments: list[str], env: dict[str, str], directory: Path
) -> tuple[list[dict[str, Any]], str, str]:
    """Run a program under `opentelemetry-instrument`: its spans, the rest of its output, its standard error."""
    launcher = python.with_name("opentelemetry-instrument")
    done = subprocess.run(
        [str(launcher), str(python), *arguments],
        env=env,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    # The console exporter writes each span as an indented object, which ends with a brace on a line of its own.
    objects = re.findall(r"^\{$.*?^\}$", done.stdout, re.MULTILINE | re.DOTALL)
    return [json.loads(text) for text in objects], done.stdout, done.stderr


def check_spans(spans: list[dict[str, Any]]) -> None:
    """One tree with everything in it."""
    names = [span["name"] for span in spans]
    assert names.count("invoke_agent Agent") == 1
    assert names.count("agent_step") == 4
    purposes = [span["attributes"]["browser.model.purpose"] for span in spans if span["name"] == "chat gpt-4.1-mini"]
    assert purposes.count("agent") == 4
    assert {"browser_launch", "browser_state", "execute_tool navigate", "execute_tool input", "execute_tool done"} <= {
        *names
    }
    loads = {span["attributes"]["url.path"]: span["attributes"] for span in spans if span["name"] == "page_fetch"}
    assert loads["/account"]["http.response.status_code"] == 200
    assert loads["/login"]["browser.page.cause"] in {"agent", "form"}
    run_span = next(span for span in spans if span["name"] == "invoke_agent Agent")
    assert run_span["attributes"]["browser.run.outcome"] == "success"
    traced = {span["context"]["trace_id"] for span in spans if span["name"] != "page_fetch"}
    assert len(traced) == 1


def check_secrets(*texts: str) -> None:
    """No planted value, in any spelling."""
    for text in texts:
        for secret in SECRETS.values():
            for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
                assert form.lower() not in text.lower()


def test_zero_code(site: str, model: str, tmp_path: Path, unused_tcp_port: int) -> None:
    """`opentelemetry-instrument python agent.py`: spans in the user's exporter, metrics on the chosen port, no secret."""
    outer = tmp_path / "with_metrics.py"
    outer.write_text(WITH_METRICS)
    port = str(unused_tcp_port)
    arguments = [str(outer), str(PROGRAM), site, model, "shop-login", str(tmp_path / "profile"), port]
    spans, stdout, stderr = run(Path(sys.executable), arguments, environment(BROWSERWATCH_METRICS_PORT=port), tmp_path)

    check_spans(spans)
    assert "successful: True" in stderr
    assert 'browser_runs_total{failure_reason="none",outcome="success"} 1.0' in stdout
    assert 'browser_steps_total{outcome="ok"} 4.0' in stdout
    check_secrets(stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would be published."""
    directory = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", str(directory), str(ROOT))
    return next(directory.glob("*.whl"))


def uv(*arguments: str) -> None:
    """Run uv from this environment."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("uv")), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_wheel_in_a_clean_environment(wheel: Path, version: str, site: str, model: str, tmp_path: Path) -> None:
    """The wheel alone, with no source beside it, watches the oldest and the newest browser-use that we claim."""
    home = tmp_path / "env"
    uv("venv", "--python", sys.executable, str(home))
    python = home / "bin" / "python"
    uv(
        "pip", "install", "--python", str(python), f"browserwatch[otlp] @ {wheel.as_uri()}", f"browser-use=={version}",
        "opentelemetry-distro", "httpx<1",
    )  # fmt: skip
    spans, _, stderr = run(
        python, [str(PROGRAM), site, model, "shop-login", str(tmp_path / "profile")], environment(), tmp_path
    )

    assert "successful: True" in stderr
    check_spans(spans)
    check_secrets(json.dumps(spans))
    assert not re.search(r"hook '\w+' (failed|is off)", stderr), stderr[-2000:]
    assert len(patch_points()) == 17


def test_core_needs_no_service(wheel: Path, tmp_path: Path) -> None:
    """A library user installs little: no web framework, no Redis, no SDK, and no browser-use of our choosing."""
    home = tmp_path / "env"
    uv("venv", "--python", sys.executable, str(home))
    python = home / "bin" / "python"
    uv("pip", "install", "--python", str(python), f"browserwatch @ {wheel.as_uri()}")
    program = (
        "import browserwatch as b, importlib.metadata as m; b.instrument(); print(*(d.name for d in m.distributions()))"
    )
    done = subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=True)
    listed = done.stdout.lower().split()
    assert not {"fastapi", "starlette", "redis", "opentelemetry-sdk", "browser-use", "uvicorn"} & {*listed}
    assert len(listed) <= 30


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"BROWSERWATCH_METRICS_PORT": "banana"}, r"BROWSERWATCH_METRICS_PORT='banana'.*integer"),
        (
            {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "maybe"},
            "CAPTURE_MESSAGE_CONTENT='maybe' is not known",
        ),
        ({"BROWSERWATCH_PRICES_FILE": "/nowhere.json"}, "BROWSERWATCH_PRICES_FILE=/nowhere.json: can't be read"),
    ],
)
def test_wrong_setting_does_not_stop_the_program(variables: dict[str, str], told: str, tmp_path: Path) -> None:
    """Under `opentelemetry-instrument` a wrong setting is one clear line, and the program runs unwatched."""
    program = tmp_path / "program.py"
    program.write_text("import logging, browser_use; from browser_use import Agent; print('ran', Agent.run.__name__)")
    _, stdout, stderr = run(Path(sys.executable), [str(program)], environment(**variables), tmp_path)

    assert "ran run" in stdout
    assert re.search(told, stderr), stderr
    assert "Traceback" not in stderr
