"""Every panel in a real Grafana and a real Chromium; skipped where there is no Grafana, which no package index has."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browserwatch.cli.client import ServiceClient
from browserwatch.cli.demo.serving import scripted
from browserwatch.cli.up.workload import Workload
from browserwatch.demo import demo_site, scripted_model, serve_in_thread
from tests.dashboards.test_boards import SHIPPED
from tests.pipeline.conftest import running_up

pytestmark = [pytest.mark.real, pytest.mark.timeout(900), pytest.mark.usefixtures("all_programs")]
IMAGE = "grafana/grafana:11.6.0-ubuntu"
NONE = (
    f"There is no Grafana: neither GRAFANA_HOME, nor `grafana` on PATH, nor a Docker engine that has {IMAGE} or gets it."
    " Dashboards are not looked at in one; their queries, layout and schema are tested all the same."
)
TROUBLE = (
    "No data",
    "Panel plugin not found",
    "An unexpected error happened",
    "An error occurred",
    "Panel not found",
    "Dashboard not found",
)
MINUTES = "from=now-15m&to=now"


def asks_prometheus(panel: dict[str, Any]) -> bool:
    """Tempo is not there, so panels that ask it are left out."""
    return any("expr" in target for target in panel.get("targets", []))


def out_of_its_image(directory: Path) -> Path | None:
    """Grafana's own directory, copied out of its image: `browserwatch up` then starts it like any other."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        return None
    made = subprocess.run([docker, "create", IMAGE], capture_output=True, text=True, check=False)
    if made.returncode:
        return None
    container = made.stdout.strip()
    try:
        subprocess.run([docker, "cp", f"{container}:/usr/share/grafana", directory / "grafana"], check=True)
    finally:
        subprocess.run([docker, "rm", container], capture_output=True, check=False)
    return directory / "grafana"


class Seen:
    """Grafana, and the service whose browsers look at it."""

    def __init__(self, grafana: str, service: ServiceClient) -> None:
        self._grafana = grafana
        self._service = service

    def look(self, path: str, form: str) -> str:
        """A page of Grafana when it has settled."""
        request = {"url": f"{self._grafana}{path}", "format": form, "wait_until": "networkidle", "timeout_seconds": 60}
        return str(self._service.fetch(request)["content"])


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A pipeline with Grafana that has worked."""
    home: str | Path | None = os.environ.get("GRAFANA_HOME")
    if home is None and shutil.which("grafana") is None:
        home = out_of_its_image(tmp_path_factory.mktemp("image"))
        if home is None:
            pytest.skip(NONE)
    with (
        serve_in_thread(demo_site()) as site,
        serve_in_thread(scripted_model(latency=0.1)) as model,
        running_up(
            environment={
                **scripted(site, model),
                # The demo site and Grafana.
                "BROWSERWATCH_EGRESS_ALLOW": "127.0.0.1",
                **({"GRAFANA_HOME": str(home)} if home else {}),
            }
        ) as up,
        ServiceClient(up.address("service")) as service,
    ):
        up.prometheus.wait_for_slow_rules()
        Workload(up.address("service"), site, print).round(service)
        # The one alert that the work sets off, for the panel of those that fire.
        up.prometheus.wait_for('ALERTS{alertname="BrowserwatchMetadataAddressBlocked",alertstate="firing"}')
        yield Seen(up.address("grafana"), service)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_panel_shows_data(seen: Seen, name: str) -> None:
    """It has its title, and neither an error nor "No data"."""
    board, troubles = SHIPPED[name], dict[str, str]()
    for panel in filter(asks_prometheus, board["panels"]):
        text = seen.look(f"/d-solo/{board['uid']}?{MINUTES}&panelId={panel['id']}", "text")
        if panel["title"] not in text or any(trouble in text for trouble in TROUBLE):
            troubles[panel["title"]] = text
    assert troubles == {}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_dashboard_is_photographed(seen: Seen, name: str, tmp_path: Path) -> None:
    """Its picture stays among pytest's own files, or in the directory BROWSERWATCH_SCREENSHOTS."""
    directory = Path(os.environ.get("BROWSERWATCH_SCREENSHOTS", tmp_path))
    picture = base64.b64decode(seen.look(f"/d/{SHIPPED[name]['uid']}?{MINUTES}&theme=light&kiosk", "screenshot"))
    assert picture.startswith(b"\x89PNG")
    (directory / f"{name}.png").write_bytes(picture)
