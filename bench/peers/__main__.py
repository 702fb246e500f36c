"""Peers side by side: `python -m bench.peers [--json FILE] [--pairs N] [--quick] [NAME …]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.peers.environments import UnavailableError, interpreter
from bench.peers.measuring import measure
from bench.peers.peer import PEERS, ROOT, Arm, Peer, arms_of, ours
from bench.peers.table import table

ROUNDS: Final = 4
QUICK_PAIRS: Final = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare our instrumentation with its peers, on this machine."""
    options = _parser().parse_args(arguments)
    os.chdir(ROOT)  # where the programs find `bench`
    arms, skipped = available([peer for peer in PEERS if not options.names or peer.name in options.names])
    rounds, pairs = (1, QUICK_PAIRS) if options.quick else (ROUNDS, options.pairs)
    found, failed = measure([*ours(sys.executable), *arms], pairs, rounds, _tell)
    reports = {name: result.report() for name, result in found.items()}
    print(table(reports))
    for name, why in {**skipped, **failed}.items():
        print(f"- {name} was skipped: {why}")
    if options.json is not None:
        options.json.write_text(json.dumps({**_machine(), "arms": reports, "skipped": {**skipped, **failed}}, indent=2))
    return 0 if reports else 1


def available(peers: Sequence[Peer]) -> tuple[list[Arm], dict[str, str]]:
    """The arms of those that are here or can be installed, and for the others, why not."""
    arms, skipped = list[Arm](), dict[str, str]()
    for peer in peers:
        _tell(f"{peer.name}: its environment")
        try:
            arms += arms_of(peer, interpreter(peer))
        except UnavailableError as error:
            skipped[peer.name] = str(error)
    return arms, skipped


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=main.__doc__)
    names = [peer.name for peer in PEERS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"peers: {', '.join(names)}; by default all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write a report")
    parser.add_argument("--pairs", type=int, default=200, help="pairs of turns, of ten steps each, for each arm")
    parser.add_argument("--quick", action="store_true", help="a few pairs: to see that it works")
    return parser


def _machine() -> dict[str, Any]:
    from browserwatch.bench.tables import machine  # noqa: PLC0415  # the benchmark is an extra

    return {"benchmark": "peers", "machine": machine()}


def _tell(doing: str) -> None:
    print(doing, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
