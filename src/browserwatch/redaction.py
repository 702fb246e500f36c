"""What may leave the process.

Three defences, used on every free text that becomes an attribute, a status message or a log field: values that the
user declared secret (`sensitive_data`), wherever they turn up and however they are encoded; shapes that look like
credentials; and URLs, of which only scheme, host, port and path stay. Texts are cut, so that no attribute grows
without bound.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK: Final = "[REDACTED]"
# A shorter value would mask harmless text everywhere ("1" in every number), and guess-proofs nothing.
MIN_SECRET_LENGTH: Final = 4
# Secrets live as long as late spans of a run may name them; beyond this many the least recently used are forgotten.
MAX_SECRETS: Final = 500
MESSAGE_LIMIT: Final = 200

_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s\"'<>\\)\]}]+")
_CREDENTIALS = re.compile(
    r"""
      (?P<header>\b(?:proxy-)?authorization|\bset-cookie|\bcookie)(?P<headersep>["']?\s*[:=]\s*["']?)[^\r\n"']+
    | (?P<scheme>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}
    | (?P<name>\b[\w-]*(?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passwd|pwd|session[_-]?id|otp)\b)
      (?P<namesep>["']?\s*[:=]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&"']+)
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?
    | \b(?:sk|pk|rk|ak|bu)[-_](?:[A-Za-z]+[-_])*[A-Za-z0-9_-]{12,}
    | \b(?:ghp|gho|ghu|ghs|ghr|glpat|xox[abprs]|hf|gsk|npm|dop_v1|AIza|ya29)[-_.]?[A-Za-z0-9_-]{16,}
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Cheap look before the expensive pattern: without one of these nothing in it can match.
_SUSPICIOUS = re.compile(
    r"auth|cookie|bearer|basic|key|secret|token|pass|pwd|session|otp|eyJ|[sprab][ku][-_]|gh[pousr]|glpat|xox|hf|gsk|npm"
    r"|dop_v1|aiza|ya29|akia|asia",
    re.IGNORECASE,
)


class PageAddress(NamedTuple):
    """The parts of a URL that may be shown."""

    scheme: str
    host: str
    port: int | None
    path: str


def _mask_credential(match: re.Match[str]) -> str:
    groups = match.groupdict()
    kept = (groups["header"] or "") + (groups["headersep"] or "") + (groups["scheme"] or "")
    return kept + (groups["name"] or "") + (groups["namesep"] or "") + MASK


def _encodings(value: str) -> set[str]:
    """Forms in which a value can turn up in URLs, HTML, JSON and Python messages."""
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), html.escape(value), repr(value)[1:-1]}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {form for form in forms if len(form) >= MIN_SECRET_LENGTH}


class Redactor:
    """Removes secrets from text. Thread-safe; declared values are never shown, not even by repr."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._forms: tuple[str, ...] = ()

    def declare(self, values: Iterable[str]) -> None:
        """Treat these values as secret from now on. Values shorter than `MIN_SECRET_LENGTH` are left out."""
        with self._lock:
            changed = False
            for value in values:
                if value in self._values:
                    self._values.move_to_end(value)
                elif len(value) >= MIN_SECRET_LENGTH:
                    self._values[value] = frozenset(form.lower() for form in _encodings(value))
                    changed = True
            if changed:
                while len(self._values) > MAX_SECRETS:
                    self._values.popitem(last=False)
                # The longest first: a secret that contains another is masked as a whole.
                self._forms = tuple(sorted(set().union(*self._values.values()), key=len, reverse=True))

    def text(self, text: str, limit: int | None = None) -> str:
        """The text without secrets; cut to `limit` characters after redaction, so that no half secret stays."""
        return self.counted(text, limit)[0]

    def counted(self, text: str, limit: int | None = None) -> tuple[str, int]:
        """Like `text`, with the number of places that were masked."""
        found = 0
        if self._forms:
            # Substring search first: with hundreds of values it is far cheaper than one large alternation.
            lowered = text.lower()
            if hits := [form for form in self._forms if form in lowered]:
                text, found = re.subn("|".join(map(re.escape, hits)), MASK, text, flags=re.IGNORECASE)
        if "://" in text:
            text = _URL.sub(_shown_url, text)
        if _SUSPICIOUS.search(text):
            text, more = _CREDENTIALS.subn(_mask_credential, text)
            found += more
        if limit is not None and len(text) > limit:
            text = text[: limit - 1] + "…"
        return text, found

    def address(self, url: str) -> PageAddress:
        """Scheme, host, port and path of a URL; user information, query and fragment are dropped."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return PageAddress("", "", None, "")
        if parts.scheme not in ("http", "https"):
            # data:, blob:, javascript: and file: URLs are content, or name a user's files.
            return PageAddress(self.text(parts.scheme, 20), "", None, "")
        host = self.text(parts.hostname or "", 255)
        # An encoded secret must not slip through as %-escapes of the path.
        path = self.text(unquote(parts.path) if "%" in parts.path else parts.path, 256)
        return PageAddress(parts.scheme, host, port, path)

    def __repr__(self) -> str:
        return f"<Redactor: {len(self._values)} declared values>"


def _shown_url(match: re.Match[str]) -> str:
    try:
        parts = urlsplit(match.group())
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return MASK
    if parts.scheme.lower() not in ("http", "https", "ws", "wss"):
        return f"{parts.scheme}://{MASK}"
    return f"{parts.scheme}://{host}{port}{parts.path}"


def secret_values(sensitive_data: object) -> list[str]:
    """The values in browser-use's `sensitive_data`: ``{name: value}`` or ``{domain: {name: value}}``."""
    if isinstance(sensitive_data, str):
        return [sensitive_data]
    if isinstance(sensitive_data, Mapping):
        inner = cast("Mapping[object, object]", sensitive_data)
        return [found for value in inner.values() for found in secret_values(value)]
    return []


redactor: Final = Redactor()
"""The process's redactor: a secret declared by one agent must not leave through the telemetry of another."""
