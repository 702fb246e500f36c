"""Telling whether two requests are the same without keeping either: a hash under a key that Redis never sees."""

from __future__ import annotations

import hmac
from typing import Final

import msgspec

from browserwatch.runs.models import RunRequest
from browserwatch.sessions.keys import KeyRing

_LABEL: Final = b"browserwatch run request"


class Fingerprints:
    """Fingerprints of requests, under keys derived from those of the sessions.

    Args:
        keys: the first makes fingerprints, all recognise them: a rotation breaks no retry.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def of(self, tenant: str, request: RunRequest) -> str:
        """The fingerprint of a request, with the id of its key before it."""
        return self._make(self._keys.first_id, tenant, request) or ""

    def matches(self, fingerprint: str, tenant: str, request: RunRequest) -> bool:
        """Whether the request is the one that the fingerprint was made of."""
        try:
            key_id = bytes.fromhex(fingerprint.partition(":")[0])
        except ValueError:
            return False
        made = self._make(key_id, tenant, request)
        return made is not None and hmac.compare_digest(made, fingerprint)

    def _make(self, key_id: bytes, tenant: str, request: RunRequest) -> str | None:
        key = self._keys.find(key_id)
        if key is None:
            return None
        derived = hmac.digest(key, _LABEL, "sha256")
        # Sorted: the order of a JSON object's members says nothing.
        content = msgspec.json.encode((tenant, request), order="deterministic")
        return f"{key_id.hex()}:{hmac.digest(derived, content, 'sha256').hex()}"
