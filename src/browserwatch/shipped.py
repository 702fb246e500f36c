"""Files that come with the package: dashboards, rules and configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from browserwatch.errors import BrowserwatchError

_PACKAGE: Final = Path(__file__).parent
# In a wheel they are inside the package; in a checkout they are at its root, two levels above.
_PLACES: Final = (_PACKAGE / "deploy", _PACKAGE.parents[1] / "deploy")
_ONE_OF_THEM: Final = Path("prometheus", "prometheus.yml")


class ShippedFilesMissingError(BrowserwatchError):
    """The package was installed without its files."""


def shipped_files() -> Path:
    """The directory with what is below `deploy/`.

    Raises:
        ShippedFilesMissingError: it is not there.
    """
    for place in _PLACES:
        if (place / _ONE_OF_THEM).is_file():
            return place
    raise ShippedFilesMissingError(
        f"The dashboards, rules and configurations are neither in {_PLACES[0]} nor in {_PLACES[1]}."
        " Install browserwatch from its wheel, or work in a checkout."
    )
