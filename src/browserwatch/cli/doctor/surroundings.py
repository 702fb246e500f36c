"""Checks of what is around the program: settings, the metrics port, the collector."""

from __future__ import annotations

import os
import socket
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from browserwatch.cli.doctor.checks import Result, failed, passed
from browserwatch.errors import ConfigurationError, PortInUseError
from browserwatch.metrics import start_metrics_server
from browserwatch.pricing import Prices
from browserwatch.settings import Settings, capture_mode, load_settings

METRICS_PORT: Final = 9464
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
DEFAULT_COLLECTOR: Final = "http://localhost:4318"
CONNECT_SECONDS: Final = 3.0


def settings() -> Result:
    """Every variable of ours has a value that can be used."""
    try:
        Prices.load(load_settings().prices_file)
        mode = capture_mode()
    except ConfigurationError as error:
        return failed(str(error), "Correct or unset the variable.")
    return passed(f"valid; message content: {mode.value}")


def metrics_port(port: int | None) -> Result:
    """The metrics can be served where they should be."""
    try:
        wanted = load_settings()
    except ConfigurationError:  # told by another check
        wanted = Settings.model_construct()
    if port is None:
        port = METRICS_PORT if wanted.metrics_port is None else wanted.metrics_port
    try:
        with start_metrics_server(port, wanted.metrics_host, CollectorRegistry()) as server:
            return passed(f"{server.port} on {server.host} is free")
    except PortInUseError as error:
        return failed(str(error), f"See who has it: lsof -i :{port}; or set BROWSERWATCH_METRICS_PORT.")
    except ConfigurationError as error:
        return failed(str(error), "Correct BROWSERWATCH_METRICS_HOST or the port.")


def collector() -> Result:
    """Whoever should get the spans can be reached."""
    variable = next((name for name in ENDPOINTS if os.environ.get(name)), "")
    address = _address(os.environ[variable] if variable else DEFAULT_COLLECTOR)
    if address is None:
        return failed(f"{variable} is not an address", f"Set it to one like {DEFAULT_COLLECTOR}")
    host, port = address
    error = _connect(host, port)
    if not variable:
        return passed(f"listens at {host}:{port}" if not error else f"not configured ({ENDPOINTS[1]} is unset)")
    if error:
        return failed(
            f"{host}:{port} can't be reached: {error} ({variable})",
            "Start the collector, or correct or unset the variable.",
        )
    return passed(f"{host}:{port} takes connections")


def _address(url: str) -> tuple[str, int] | None:
    """Host and port alone: the rest of an endpoint may hold a key."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (host, port) if host and port else None


def _connect(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return ""
