"""Prints the bytes that a process has for itself once browser-use is imported, and an arm installed if one is named."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from bench.peers.guard import guard


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.memory", description=main.__doc__)
    parser.add_argument("--arm", default="", help="module:function")
    parser.add_argument("--hide", default="", help="a package that browser-use is not to find")
    parser.add_argument("--endpoint", default="http://127.0.0.1:9")
    options = parser.parse_args()
    guard()
    if options.hide:
        hidden: Any = None
        sys.modules[options.hide] = hidden
    from browserwatch.agents.process.environment import BROWSER_USE  # noqa: PLC0415

    os.environ.update(BROWSER_USE)
    import psutil  # noqa: PLC0415  # browser-use brings it
    from browser_use.agent.service import Agent  # noqa: PLC0415  # its environment comes first

    kept: list[Any] = [Agent]
    if options.arm:
        from browserwatch.bench.arms import load_arm  # noqa: PLC0415

        kept.append(load_arm(options.arm)(options.endpoint))
    sys.stdout.write(f"{psutil.Process().memory_full_info().uss}\n")
    sys.stdout.flush()
    os._exit(0)  # an arm's threads need not be waited for


if __name__ == "__main__":
    main()
