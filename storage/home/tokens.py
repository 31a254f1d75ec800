"""The tokens by which other programs use a home: who may do what until when.

Those of the HTTP API, and those in private addresses of the calendar, each in a file of its own.

Of a token only its hash is kept, in a file of its owner alone. A token has 256 random bits, so that
a plain hash of it cannot be turned back, and trying takes for ever.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b

from commonweal.protocol.errors import BadSetting, FileRefused
from commonweal.storage.files import PRIVATE_MODE, sync
from commonweal.storage.home.home import Home

FILE_NAME = "tokens.json"
FILE_BYTES_MAX = 256 * 1024
TOKEN_BYTES = 32
ID_BYTES = 4
PREFIX = "weal_"
"""How a token begins, so that people and scanners of secrets recognise one."""
SCOPES = ("read", "write", "grave")
"""What a token of the API allows; each scope contains those before it."""
CALENDAR_FILE_NAME = "calendar-addresses.json"
CALENDAR_SCOPES = ("busy", "full")
"""What a private address of the calendar shows: when its member is busy; or all that they see."""
NEVER_MS = 2**53
"""Of a token that is good until it is revoked."""


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token as it is kept. id: names it in lists. hash: of the token, in hex."""

    id: str
    hash: str
    scope: str
    name: str
    made_ms: int
    expires_ms: int

    def allows(self, scope: str) -> bool:
        """Whether it may do what needs `scope`."""
        return SCOPES.index(scope) <= SCOPES.index(self.scope)


class TokenFile:
    """The tokens of one home, in one of its files."""

    def __init__(self, home: Home, name: str = FILE_NAME, scopes: tuple[str, ...] = SCOPES) -> None:
        """Name the file; it may be missing. scopes: those that it may hold."""
        self._path, self._scopes = home.path / name, scopes

    def tokens(self) -> list[KeptToken]:
        """Return all that are kept, expired ones too. Raises BadSetting."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BadSetting(f"{self._path}: {error.strerror}") from error
        try:
            return self._read(descriptor)
        finally:
            os.close(descriptor)

    def find(self, token: str, now_ms: int) -> KeptToken | None:
        """Return what is kept of a token; None where it is unknown, revoked or expired."""
        asked, match = hash_of(token), None
        for kept in self.tokens():
            if hmac.compare_digest(asked, kept.hash) and now_ms < kept.expires_ms:
                match = kept
        return match

    @contextmanager
    def changing(self) -> Iterator[list[KeptToken]]:
        """Give the tokens to be changed; write them at the end, whole or not at all.

        Raises BadSetting, FileRefused.
        """
        descriptor = self._locked()
        try:
            tokens = self._read(descriptor)
            yield tokens
            try:
                self._write(json.dumps([asdict(token) for token in tokens]).encode())
            except OSError as error:
                raise FileRefused(f"{self._path}: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def _locked(self) -> int:
        """Return the file as it is now, which no other process changes until it is closed."""
        try:
            while True:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                descriptor = os.open(self._path, flags, PRIVATE_MODE)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                with suppress(FileNotFoundError):
                    if self._path.stat().st_ino == os.fstat(descriptor).st_ino:
                        return descriptor
                os.close(descriptor)  # another process put a new one in its place
        except OSError as error:
            raise FileRefused(f"{self._path}: {error.strerror}") from error

    def _read(self, descriptor: int) -> list[KeptToken]:
        status = os.fstat(descriptor)
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise BadSetting(f"{self._path}: not ours alone")
        data = os.pread(descriptor, FILE_BYTES_MAX + 1, 0)
        try:
            if len(data) > FILE_BYTES_MAX:
                raise ValueError
            return [_token(value, self._scopes) for value in json.loads(data or b"[]")]
        except (ValueError, TypeError, RecursionError):
            raise BadSetting(str(self._path)) from None

    def _write(self, data: bytes) -> None:
        part = self._path.with_name(f".{self._path.name}.part")
        with suppress(FileNotFoundError):
            part.unlink()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(part, flags, PRIVATE_MODE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        sync(self._path.parent)


def new_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def new_id() -> str:
    """Return a new name for a token, in hex."""
    return secrets.token_hex(ID_BYTES)


def hash_of(token: str) -> str:
    """Return what is kept of a token, in hex."""
    return blake2b(token.encode(), digest_size=TOKEN_BYTES, person=b"api token").hexdigest()


def _token(value: object, scopes: tuple[str, ...]) -> KeptToken:
    match value:
        case {
            "id": str(id),
            "hash": str(hash),
            "scope": str(scope),
            "name": str(name),
            "made_ms": int(made_ms),
            "expires_ms": int(expires_ms),
        } if scope in scopes:
            return KeptToken(id, hash, scope, name, made_ms, expires_ms)
    raise ValueError
