"""`browserwatch key`: a new API key, and what the service keeps of it."""

from __future__ import annotations

from browserwatch.api.auth import make_key
from browserwatch.cli.terminal import make_console


def print_key(tenant: str) -> None:
    """Print both. The key is shown once and stored nowhere.

    Raises:
        InvalidNameError: the tenant's name can't be used.
    """
    key, line = make_key(tenant)
    console = make_console()
    console.print("For the caller, as `Authorization: Bearer KEY` (or BROWSERWATCH_API_KEY):", style="dim")
    console.print(key, soft_wrap=True)
    console.print("For the service, in BROWSERWATCH_API_KEYS_FILE or BROWSERWATCH_API_KEYS:", style="dim")
    console.print(line, soft_wrap=True)
