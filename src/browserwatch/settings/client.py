"""What commands that talk to a running service need to know."""

from __future__ import annotations

from functools import lru_cache

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from browserwatch.settings.base import PREFIX, validated


class ClientSettings(BaseSettings):
    """Where the service is, and the key to it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    url: str = "http://127.0.0.1:8700"
    """Address of the service that `browserwatch run` talks to."""

    api_key: SecretStr | None = None
    """API key that it shows there."""


@lru_cache(maxsize=1)
def load_client_settings() -> ClientSettings:
    """Read and validate the environment once.

    Raises:
        ConfigurationError: a variable has a value that can't be used.
    """
    return validated(ClientSettings, ClientSettings)
