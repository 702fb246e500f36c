"""How much memory an arm takes when it is installed: two programs, one without it.

Run as a file, so that the one without imports nothing of ours. Arguments: an environment in JSON; then, for the one
with, the arm and its endpoint.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


def added(arm: str, endpoint: str, environment: dict[str, str], times: int = 3) -> float:
    """Bytes that an arm adds to a process that has imported browser-use: of pages that are the process's alone."""

    def alone(*arguments: str) -> int:
        command = [sys.executable, __file__, json.dumps(environment), *arguments]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)  # noqa: S603  # our own

    differences = sorted(alone(arm, endpoint) - alone() for _ in range(times))
    return differences[times // 2]


def main() -> None:
    """Print the bytes that this process has for itself."""
    os.environ.update(json.loads(sys.argv[1]))
    sys.path.pop(0)  # this file's directory, whose modules are to be found in their package only
    import psutil  # noqa: PLC0415  # browser-use brings it
    from browser_use.agent.service import Agent  # noqa: PLC0415  # its environment comes first

    kept: list[Any] = [Agent]
    if len(sys.argv) > 2:  # noqa: PLR2004  # with an arm
        from browserwatch.bench.arms import load_arm  # noqa: PLC0415

        kept.append(load_arm(sys.argv[2])(sys.argv[3]))
    sys.stdout.write(str(psutil.Process().memory_full_info().uss))
    sys.stdout.flush()
    os._exit(0)  # an arm's threads need not be waited for


if __name__ == "__main__":
    main()
