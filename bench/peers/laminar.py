"""Laminar, against one's own server. browser-use has its decorators built in: they work once its package is there."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from lmnr import Instruments, Laminar

from browserwatch.bench.arms import Installed

CONTENT_VARIABLE = "LMNR_TRACE_CONTENT"


def defaults(endpoint: str) -> Installed:
    """With content, and with recordings of the browser's session."""
    return _installed(endpoint, set(), content="true")


def without_content(endpoint: str) -> Installed:
    """Neither prompts nor answers nor recordings."""
    return _installed(endpoint, {Instruments.BROWSER_USE_SESSION}, content="false")


def _installed(endpoint: str, disabled: set[Instruments], *, content: str) -> Installed:
    os.environ[CONTENT_VARIABLE] = content  # read at each call
    Laminar.initialize(
        project_api_key="none",
        base_url="http://127.0.0.1",
        http_port=urlsplit(endpoint).port,
        force_http=True,  # our receiver doesn't speak gRPC
        disabled_instruments=disabled,
    )
    return Installed(flush=Laminar.force_flush, uninstall=Laminar.shutdown)
