"""Ports on loopback: the well-known one where it is free, else any."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass, fields

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """A port for everything that listens; the values here are what the shipped configurations name."""

    service: int = 8700
    prometheus: int = 9090
    alertmanager: int = 9093
    grafana: int = 3000
    otlp_grpc: int = 4317
    otlp_http: int = 4318
    collector_metrics: int = 8888
    span_metrics: int = 8889
    collector_health: int = 13133
    alerts: int = 5001
    """Of `browserwatch up` itself, which is told of alerts."""


def choose_ports(wanted: Ports) -> Ports:
    """Those that were wanted, as far as they are free."""
    with ExitStack() as stack:  # held until all are chosen, so that none is given twice
        chosen = {
            field.name: stack.enter_context(_bound(getattr(wanted, field.name))).getsockname()[1]
            for field in fields(Ports)
        }
    return Ports(**chosen)


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError:
        return socket.create_server((HOST, 0))
