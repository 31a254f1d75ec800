"""Tokens of entry: `weal open` makes one for the browser, the page takes it once.

A token is signed with the key in the page's file, which the owner of the home alone can read, so
that making one needs no question to the process. It is valid for TOKEN_SECONDS and used once. The
command line of a browser, which every user of a computer may read, shows the token that opens it:
such a token names the user whose browser may use it.
"""

from __future__ import annotations

import base64
import hmac
import os
import time
from hashlib import blake2b

TOKEN_SECONDS = 60
NONCE_BYTES = 16
MAC_BYTES = 16
"""128 bits."""
TIME_BYTES = 6
USER_BYTES = 4
ANYBODY = 2 ** (8 * USER_BYTES) - 1
"""In place of a user's id: no system gives this one to a user (it is -1 of POSIX)."""
ROOT = 0
TOKEN_BYTES = TIME_BYTES + USER_BYTES + NONCE_BYTES + MAC_BYTES
USED_MAX = 4096
"""Tokens in their 60 seconds that are remembered as used; one more is refused."""


def new_token(key: bytes, now_ms: int | None = None, *, user: int = ANYBODY) -> str:
    """Return a token of entry, as URL-safe base64.

    key: of the page's file. user: the id of the one whose browser may use it.
    """
    until_ms = (_now_ms() if now_ms is None else now_ms) + TOKEN_SECONDS * 1000
    body = until_ms.to_bytes(TIME_BYTES, "big") + user.to_bytes(USER_BYTES, "big")
    body += os.urandom(NONCE_BYTES)
    return base64.urlsafe_b64encode(body + _mac(key, body)).decode().rstrip("=")


class EntryTokens:
    """The tokens of one process: which are good, and which were used."""

    def __init__(self, key: bytes) -> None:
        """key: of the page's file."""
        self._key = key
        self._used: dict[bytes, int] = {}

    def take(self, token: str, now_ms: int | None = None, *, user: int | None = None) -> bool:
        """Return whether a token is good now; it is not good a second time.

        user: the id of the one who brings it; None where the system does not tell. Root may use
        each token, and one that another user brings stays good.
        """
        now_ms = _now_ms() if now_ms is None else now_ms
        try:
            data = base64.urlsafe_b64decode(token.strip().encode("ascii") + b"==")
        except ValueError:
            return False
        body, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        if len(data) != TOKEN_BYTES or not hmac.compare_digest(mac, _mac(self._key, body)):
            return False
        owner = int.from_bytes(body[TIME_BYTES : TIME_BYTES + USER_BYTES], "big")
        if owner != ANYBODY and user not in (None, ROOT, owner):
            return False
        until_ms = int.from_bytes(body[:TIME_BYTES], "big")
        self._used = {known: until for known, until in self._used.items() if until >= now_ms}
        is_timely = now_ms <= until_ms <= now_ms + TOKEN_SECONDS * 1000
        if not is_timely or body in self._used or len(self._used) >= USED_MAX:
            return False
        self._used[body] = until_ms
        return True


def _mac(key: bytes, body: bytes) -> bytes:
    return blake2b(body, key=key, digest_size=MAC_BYTES, person=b"weal entry").digest()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
