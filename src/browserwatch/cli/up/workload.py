"""Work for a pipeline that is shown: runs that end in every way, pages, and one address that agents may never visit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from browserwatch.cli.client import ServiceClient, ServiceError
from browserwatch.cli.demo.plans import PAGE, PLANS, SIGN_IN, Plan

ROUND: Final = (*PLANS, Plan("rate-limited", "success"), Plan("slow-page", "success"), Plan("never-done", "max_steps"))
METADATA: Final = "http://169.254.169.254/latest/meta-data/"
"""Where clouds keep a machine's credentials. The attempt is refused, counted, and there is an alert for it."""

PAUSE_SECONDS: Final = 2.0
STOP_SECONDS: Final = 5.0


class Workload:
    """Rounds of work, until it is told to stop.

    Args:
        service: address of the service.
        site: address of the demo site.
        tell: takes a line for each run.
    """

    def __init__(self, service: str, site: str, tell: Callable[[str], None]) -> None:
        self._service = service
        self._site = site
        self._tell = tell
        self._over = threading.Event()

    @contextmanager
    def working(self) -> Generator[None]:
        """Work in a thread for the length of the block."""
        thread = threading.Thread(target=self._work, name="workload", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(STOP_SECONDS)

    def _work(self) -> None:
        with ServiceClient(self._service) as service:
            while not self._over.wait(PAUSE_SECONDS):
                self.round(service)

    def round(self, service: ServiceClient) -> None:
        """All of it once."""
        for plan in ROUND:
            if self._over.is_set():
                return
            self._run(service, plan)
        self._fetch(service, f"{self._site}{PAGE.path}", PAGE.session)
        self._fetch(service, METADATA, None)

    def _run(self, service: ServiceClient, plan: Plan) -> None:
        request = {
            "task": f"[scenario: {plan.scenario}] site: {self._site}",
            "sensitive_data": SIGN_IN,
            "max_steps": 3 if plan.outcome == "max_steps" else 15,
            **({"session": plan.session} if plan.session else {}),
        }
        try:
            run_id = str(service.submit(request)["id"])
            for _ in service.follow(run_id):
                if self._over.is_set():
                    return
            self._tell(f"run {plan.scenario}: {service.run(run_id)['outcome']}")
        except ServiceError as error:
            self._say(f"run {plan.scenario}: {error}")

    def _fetch(self, service: ServiceClient, url: str, session: str | None) -> None:
        try:
            service.fetch({"url": url, "format": "text", **({"session": session} if session else {})})
        except ServiceError as error:
            self._say(f"page {url}: {error}")

    def _say(self, line: str) -> None:
        if not self._over.is_set():  # what breaks then was told to end
            self._tell(line)
