"""The demo's frame: what must be there first, the prepared process, and what is said when it breaks."""

from __future__ import annotations

import logging
from typing import Final

from browserwatch.cli.demo.environment import prepared, require_extra
from browserwatch.cli.demo.options import Options
from browserwatch.cli.terminal import make_console
from browserwatch.errors import BrowserwatchError
from browserwatch.processes.chromium import find_chromium

logger: Final = logging.getLogger(__name__)
WIDEST: Final = 100


def run_demo(options: Options) -> int:
    """Run the demo.

    Returns:
        The exit code: 0 when everything ended as designed, the failing run included.

    Raises:
        BrowserwatchError: it can't be run here; the message says why.
    """
    require_extra()
    chromium = find_chromium()
    width = WIDEST if options.record else min(make_console().width, WIDEST)
    console = make_console(width=width, record=options.record is not None)
    with prepared() as workspace:
        try:
            from browserwatch.cli.demo.stage import Stage  # noqa: PLC0415  # needs the extra

            designed = Stage(options, chromium, workspace, console).play()
        except BrowserwatchError as error:
            console.print(str(error), style="red", soft_wrap=True)
            designed = False
        except Exception as error:
            logger.exception("The demo broke")
            console.print(f"The demo broke ({type(error).__name__}).", style="red")
            designed = False
        if not designed:
            workspace.keep_log = True
            console.print(f"The log has more: {workspace.log_path}", soft_wrap=True)
    return int(not designed)
