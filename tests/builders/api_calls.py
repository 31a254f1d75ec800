"""A program that calls the HTTP API of a home, with a token and keys of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from commonweal.client.keep.access_tokens import AccessTokens
from commonweal.web.application import create_application
from commonweal.web.security.entry import EntryTokens

PORT = 4999
URL = f"http://127.0.0.1:{PORT}"
API = "/api/v1"


class Caller:
    """Calls the API with one token, and a new key for each write."""

    def __init__(self, client: TestClient, token: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"}
        self._keys = count()

    def get(self, path: str, **query: Any) -> Any:
        """Return what is at a path, which must be there."""
        given = self.try_get(path, **query)
        assert given.status_code == 200, given.text
        return given.json()

    def try_get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Response:
        """Ask for what is at a path."""
        sent = self.headers | (headers or {})
        return self.client.get(f"{API}{path}", params=query or None, headers=sent)

    def post(self, path: str, body: Any = None, key: str = "") -> Any:
        """Return what a write answers, which must be done."""
        given = self.try_post(path, body, key)
        assert given.status_code in (200, 201), given.text
        return given.json()

    def try_post(
        self, path: str, body: Any = None, key: str = "", headers: dict[str, str] | None = None
    ) -> Response:
        """Write, under a key of its own where none is given."""
        sent = {"Idempotency-Key": key or f"call {next(self._keys)}".replace(" ", "-")}
        sent |= self.headers | (headers or {})
        return self.client.post(f"{API}{path}", json=body, headers=sent)


def token_of(home: Path, scope: str = "write", expires: str = "1d") -> str:
    """Return a new token of a home without a passphrase."""
    with AccessTokens(home) as tokens:
        return tokens.create_token(scope, expires=expires).token


@contextmanager
def calling(home: Path, scope: str = "write") -> Iterator[Caller]:
    """Give a caller of the API of a home."""
    application: Any = create_application(home, PORT, EntryTokens(bytes(32)))
    with TestClient(application, base_url=URL) as client:
        yield Caller(client, token_of(home, scope))
