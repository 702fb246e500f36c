"""What `browserwatch serve` can be told, on top of what every watched program can."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, get_args

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from browserwatch.settings.base import PREFIX, split_list, validated
from browserwatch.settings.library import Settings

Provider: TypeAlias = Literal[
    "anthropic",
    "anthropic_bedrock",
    "aws_bedrock",
    "azure",
    "browser-use",
    "cerebras",
    "deepseek",
    "google",
    "groq",
    "litellm",
    "mistral",
    "oci",
    "ollama",
    "openai",
    "openrouter",
    "orcarouter",
    "vercel",
]
LLM_PROVIDERS: Final[tuple[str, ...]] = get_args(Provider)
"""Providers of models, as browser-use names them."""

DAY: Final = 86_400.0
MEBIBYTE: Final = 1024 * 1024
List = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split_list)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


def _data_dir() -> Path:
    """Where the XDG base directory specification puts a program's data."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "browserwatch"


class ServiceSettings(Settings):
    """Settings of the service. Sizes are in the unit their name ends with, durations in seconds."""

    # --- where it listens, and who may ask ---
    host: str = "127.0.0.1"
    """Address of the service. Any other than loopback needs API keys."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8700
    """Port of the service; 0: any free one."""

    api_keys: Secrets = ()
    """API keys, comma-separated, each as ``tenant=sha256:HEX``: made by `browserwatch key`. Unset: no key is asked for."""

    api_keys_file: Path | None = None
    """File with one such key a line; read at start, in addition to those above."""

    data_dir: Path = Field(default_factory=_data_dir)
    """Directory of the embedded Redis, the session key and the agents' own directories. One service at a time uses it."""

    shutdown_grace_seconds: Annotated[float, Field(ge=0)] = 30.0
    """How long runs may go on after SIGTERM before they are marked as interrupted."""

    # --- Redis ---
    redis_url: SecretStr | None = None
    """``redis://``, ``rediss://`` (TLS) or ``unix://`` address, user and password in it. Unset: a private redis-server."""

    redis_timeout_seconds: Positive = 2.0
    """Time within which a Redis command ends, in an answer or an error."""

    # --- sessions ---
    session_keys: Secrets = ()
    """Keys that encrypt stored sessions, base64 of 32 bytes, comma-separated; the first encrypts, all decrypt."""

    session_keys_file: Path | None = None
    """File with such keys. Unset, and no keys above: ``session.key`` in the data directory, made when it is not there."""

    session_ttl_seconds: Positive = 30 * DAY
    """How long a session lives after it was saved."""

    session_max_mb: Count = 16
    """Largest session in MiB, before compression."""

    session_lease_seconds: Annotated[float, Field(ge=3)] = 30.0
    """How long a session stays locked after its holder died."""

    session_save_seconds: Annotated[float, Field(ge=1)] = 30.0
    """How often a session is saved during a run, besides at its end."""

    # --- the pool of agents ---
    pool_min_idle: Annotated[int, Field(ge=0)] = 1
    """Agents that are kept ready beyond those at work."""

    pool_max_size: Count = 4
    """Agents at most, those that start or stop included."""

    pool_max_waiting: Annotated[int, Field(ge=0)] = 64
    """Callers that may wait for an agent; one more is refused at once."""

    acquire_timeout_seconds: Positive = 60.0
    """How long a caller waits for an agent."""

    agent_max_uses: Count = 50
    """Runs and fetches after which an agent is replaced."""

    agent_max_age_seconds: Positive = 3600.0
    """Age at which an agent is replaced, up to 10 % earlier, so that not all go at once."""

    agent_max_idle_seconds: Positive = 600.0
    """Idle time after which an agent beyond `pool_min_idle` ends."""

    agent_start_timeout_seconds: Positive = 60.0
    """Time within which an agent process must be ready."""

    agent_unresponsive_seconds: Positive = 30.0
    """An agent that answers nothing for so long is ended."""

    agent_memory_limit_mb: Annotated[int, Field(ge=200)] = 2048
    """Memory (PSS) in MiB of an agent with its Chromium. Above it is replaced when it comes back, at twice it is ended."""

    pool_memory_limit_mb: Annotated[int | None, Field(ge=500)] = None
    """Memory of all agents in MiB above which no further one is started. Unset: 80 % of the machine's or container's."""

    pool_cpu_limit: Annotated[float | None, Field(gt=0)] = None
    """Processors that all agents use together above which no further one is started. Unset: no such limit."""

    chromium_sandbox: Literal["auto", "on", "off"] = "auto"
    """Chromium's own sandbox; auto: off only as root or in a container, where it can't start."""

    # --- runs ---
    run_queue_size: Annotated[int, Field(ge=0)] = 100
    """Runs that may wait; one more is refused with status 429."""

    run_timeout_seconds: Positive = 1800.0
    """Longest time of a run; a request may ask for less."""

    step_timeout_seconds: Positive = 180.0
    """Longest time of one step of a run."""

    run_max_steps: Count = 100
    """Most steps of a run; a request may ask for less."""

    run_ttl_seconds: Positive = 7 * DAY
    """How long the record of a run is kept after its last change."""

    tenant_max_running: Annotated[int | None, Field(ge=1)] = None
    """Runs of one tenant at once; more of them wait. Unset: as many as there are agents."""

    tenant_max_queued: Annotated[int | None, Field(ge=1)] = None
    """Runs of one tenant that may wait; one more is refused. Unset: as many as the queue has places."""

    # --- page fetches ---
    fetch_timeout_seconds: Positive = 60.0
    """Longest time of a page fetch; a request may ask for less."""

    fetch_max_mb: Count = 20
    """Largest content of a page fetch in MiB."""

    # --- the model ---
    llm_provider: Provider = "openai"
    """Provider of the model, as browser-use names it: openai (and what is compatible), anthropic, google, azure, ollama …"""

    llm_model: str = "gpt-4.1-mini"
    """Model that runs use unless they ask for another."""

    llm_base_url: str | None = None
    """Address of the provider's API, for a local or a compatible one."""

    llm_api_key: SecretStr | None = None
    """The provider's key. Unset: the variable that the provider's own SDK reads, such as OPENAI_API_KEY."""

    llm_api_key_file: Path | None = None
    """File with that key, read anew for each run."""

    llm_allowed: List = ()
    """Models that a run may ask for, comma-separated, as ``model`` or ``provider/model``."""

    # --- where agents may go ---
    egress_allow: List = ()
    """Addresses that are not public and may be visited all the same: host, host:port, *.domain, network; with commas."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not is_loopback(self.host) and not self.api_keys and self.api_keys_file is None:
            raise ValueError(
                f"{PREFIX}HOST={self.host!r} can be reached from elsewhere and there is no API key: make one with"
                f" `browserwatch key TENANT` and set {PREFIX}API_KEYS or {PREFIX}API_KEYS_FILE, or use 127.0.0.1."
            )
        if self.pool_min_idle > self.pool_max_size:
            raise ValueError(
                f"{PREFIX}POOL_MIN_IDLE={self.pool_min_idle} is more than {PREFIX}POOL_MAX_SIZE={self.pool_max_size};"
                " make one of them fit the other."
            )
        if self.llm_api_key is not None and self.llm_api_key_file is not None:
            raise ValueError(f"{PREFIX}LLM_API_KEY and {PREFIX}LLM_API_KEY_FILE are both set; keep one.")
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_service_settings(**given: object) -> ServiceSettings:
    """Read and validate the environment.

    Args:
        given: values from a command line, which win over the environment; None is as if it was not given.

    Raises:
        ConfigurationError: a value can't be used, or two do not go together.
    """
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return validated(lambda: ServiceSettings(**chosen), ServiceSettings)
