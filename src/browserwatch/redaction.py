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
from hashlib import blake2b
from typing import Final, NamedTuple, cast
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK: Final = "[REDACTED]"
# A shorter value would mask harmless text everywhere ("1" in every number), and guess-proofs nothing.
MIN_SECRET_LENGTH: Final = 4
# Secrets live as long as late spans of a run may name them; beyond this many the least recently used are forgotten.
MAX_SECRETS: Final = 500
MESSAGE_LIMIT: Final = 200
LONG: Final = 2000
"""From so many characters on a cleaned text is kept, in case it comes again: looking it up is quicker than cleaning it."""
KEPT: Final = 32
NAMES: Final = 256
"""Harmless names that are kept at most."""

_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s\"'<>\\`]+")
# Every repetition is bounded or consumes what it matched, so that no text takes more than linear time.
_CREDENTIALS = re.compile(
    r"""
      (?P<header>(?i:\b(?:proxy-)?authorization|\bset-cookie|\bcookie))(?P<headersep>["']?\s*[:=]\s*)
      (?:(?P<headerquote>["'])[^\r\n]*?(?P=headerquote)|[^\r\n]+)
    | (?P<scheme>(?i:\b(?:bearer|basic)\s+))
      # A word is no token: "basic information". Tokens have digits, inner punctuation or mixed case, or are long.
      (?:[A-Za-z0-9._~+/=-]{20,}|(?=[A-Za-z]*(?:[0-9]|[._~+/=][A-Za-z0-9]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{6,})
    | (?P<name>(?i:\b[\w-]{0,40}(?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passwd|pwd|session[_-]?id|otp)\b))
      (?P<namesep>(?:\\*["'])?\s*[:=]\s*)
      (?:(?P<escape>\\*)(?P<quote>["']).{0,4000}?(?P=escape)(?P=quote)|\\*["']?[^\s,;&"']+)
    | \beyJ[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+){0,2}
    | \b(?:(?:sk|pk|rk|ak)[-_](?:[A-Za-z]{1,20}[-_]){0,4}|bu_)[A-Za-z0-9_-]{12,}
    | \b(?:(?:gh[pousr]|github_pat|glpat|xox[abprs]|hf|gsk|xai|npm|dop_v1)[-_]|AIza|ya29\.)[A-Za-z0-9_-]{16,}
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | -----BEGIN[ A-Z]{0,40}PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]{0,40}PRIVATE[ ]KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
# Cheap look before the expensive pattern: without one of these nothing in it can match. Looking for each is several times
# quicker than one pattern of them all.
_PREFIXES: Final = ("sk", "pk", "rk", "ak", "ghp", "gho", "ghu", "ghs", "ghr", "hf", "gsk", "xai", "npm")
_SUSPICIOUS: Final = (
    *("auth", "cookie", "bearer", "basic", "key", "secret", "token", "pass", "pwd", "session", "otp"),
    *("eyj", "bu_", "github_pat", "glpat", "xox", "dop_v1", "aiza", "ya29", "akia", "asia"),
    *(f"{prefix}{separator}" for prefix in _PREFIXES for separator in "-_"),
)


class PageAddress(NamedTuple):
    """The parts of a URL that may be shown."""

    scheme: str
    host: str
    port: int | None
    path: str


def _mask_credential(match: re.Match[str]) -> str:
    found = {name: text or "" for name, text in match.groupdict().items()}
    around = found["headerquote"]
    kept = found["header"] + found["headersep"] + found["scheme"] + found["name"] + found["namesep"]
    return f"{kept}{around}{MASK}{around}"


def spellings(value: str) -> set[str]:
    """Forms in which a value can turn up in URLs, HTML, JSON, JavaScript and Python messages, itself included."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(value, safe="!'()*"),  # encodeURIComponent
        quote(value, safe="!$%&'()*+,;=:@[]\\^|~"),  # https://url.spec.whatwg.org/#path-percent-encode-set
        html.escape(value),
        html.escape(value, quote=False),
        repr(value)[1:-1],
        escaped,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    }


class Redactor:
    """Removes secrets from text. Thread-safe; declared values are never shown, not even by repr."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._forms: tuple[tuple[str, str], ...] = ()  # as searched for in folded text, and as it is
        self._names: set[str] = set()  # found harmless, with the values declared by now
        # By digest, so that no secret is kept; each with the declared values of that time.
        self._kept: OrderedDict[bytes, tuple[tuple[tuple[str, str], ...], tuple[str, int]]] = OrderedDict()

    def declare(self, values: Iterable[str]) -> None:
        """Treat these values as secret from now on. Values shorter than `MIN_SECRET_LENGTH` are left out."""
        with self._lock:
            changed = False
            for value in values:
                if value in self._values:
                    self._values.move_to_end(value)
                elif len(value) >= MIN_SECRET_LENGTH:
                    self._values[value] = frozenset(spellings(value))
                    changed = True
            if changed:
                while len(self._values) > MAX_SECRETS:
                    self._values.popitem(last=False)
                # The longest first: a secret that contains another is masked as a whole.
                forms = sorted(set[str]().union(*self._values.values()), key=len, reverse=True)
                self._forms = tuple((form.casefold(), form) for form in forms)
                self._names = set()

    def text(self, text: str, limit: int | None = None) -> str:
        """The text without secrets; cut to `limit` characters after redaction, so that no half secret stays."""
        return self.counted(text, limit)[0]

    def counted(self, text: str, limit: int | None = None) -> tuple[str, int]:
        """Like `text`, with the number of places that were masked."""
        text, found = self._masked(text) if len(text) < LONG else self._masked_before(text)
        if limit is not None and len(text) > limit:
            text = text[: limit - 1] + "…"
        return text, found

    def name(self, text: str, limit: int) -> tuple[str, int]:
        """Like `counted`, for the few names of tools, models and hosts that come again: a harmless one is looked at once."""
        known = self._names  # before the declared values are read: whoever changes them gives up these names afterwards
        if text in known and len(text) <= limit:
            return text, 0
        shown, found = self.counted(text, limit)
        if shown == text and not found:
            if len(known) >= NAMES:
                known.clear()
            known.add(text)
        return shown, found

    def _masked_before(self, text: str) -> tuple[str, int]:
        """Long texts come again and again, such as a model's instructions: what became of the last ones is kept."""
        digest, forms = blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest(), self._forms
        with self._lock:
            kept = self._kept.get(digest)
        if kept is not None and kept[0] is forms:
            return kept[1]
        masked = self._masked(text)
        with self._lock:
            self._kept[digest] = (forms, masked)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return masked

    def _masked(self, text: str) -> tuple[str, int]:
        found = 0
        if self._forms:
            # Substring search first: with hundreds of values it is far cheaper than one large alternation.
            folded = text.casefold()
            if hits := [pair for pair in self._forms if pair[0] in folded]:
                text, found = re.subn("|".join(re.escape(form) for _, form in hits), MASK, text, flags=re.IGNORECASE)
                folded = text.casefold()
                if any(search in folded for search, _ in hits):
                    # Case folding knows equalities that the pattern does not (a letter against two): better no text.
                    text, found = MASK, found + 1
        if "://" in text:
            text = _URL.sub(_shown_url, text)
        if _suspicious(text):
            text, more = _CREDENTIALS.subn(_mask_credential, text)
            found += more
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
        host, _ = self.name(parts.hostname or "", 255)  # an agent's pages are mostly of the same few
        # An encoded secret must not slip through as %-escapes of the path.
        path = self.text(unquote(parts.path) if "%" in parts.path else parts.path, 256)
        return PageAddress(parts.scheme, host, port, path)

    def __repr__(self) -> str:
        return f"<Redactor: {len(self._values)} declared values>"


def _suspicious(text: str) -> bool:
    # Patterns that ignore case take two more letters for an i than case folding does: one without a dot, a capital with one.
    folded = text.casefold().replace("\u0131", "i").replace("\u0307", "")
    return any(map(folded.__contains__, _SUSPICIOUS))


def _shown_url(match: re.Match[str]) -> str:
    try:
        parts = urlsplit(match.group())
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
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
