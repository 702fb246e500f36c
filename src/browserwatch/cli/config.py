"""`browserwatch config`: the service's settings as they are in force."""

from __future__ import annotations

from pydantic import SecretStr
from rich.table import Table
from rich.text import Text

from browserwatch.cli.terminal import make_console, printable
from browserwatch.settings import PREFIX, ServiceSettings, load_service_settings

MASK = "********"


def print_config() -> None:
    """Every variable with its value and whether it is the default; secrets masked.

    Raises:
        ConfigurationError: a value can't be used.
    """
    settings = load_service_settings()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name in type(settings).model_fields:
        given = name in settings.model_fields_set
        value = Text(shown(settings, name), style="" if given else "dim")
        table.add_row(f"{PREFIX}{name.upper()}", value, Text("set" if given else "default", style="dim"))
    make_console().print(table)


def shown(settings: ServiceSettings, name: str) -> str:
    """A value as the variable would have it."""
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return ",".join(MASK if isinstance(item, SecretStr) else printable(str(item)) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # of any type
    return "" if value is None else printable(str(value))
