"""A browser without a window: it keeps cookies, sends what browsers send, and fills in forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from commonweal.web.application import create_application
from commonweal.web.security.entry import EntryTokens, new_token

PORT = 4999
KEY = bytes(32)
URL = f"http://127.0.0.1:{PORT}"
SENT_BY_BROWSERS = {"sec-fetch-site": "same-origin"}


@dataclass
class Browser:
    """A browser that was let in. `page` is what it shows; `client` sends as it likes."""

    client: TestClient
    page: Response

    def get(self, path: str, language: str = "", **headers: str) -> Response:
        """Follow a link; return the page where it ends."""
        if language:
            self.client.cookies.set("weal_language", language)
        self.page = self.client.get(path, headers=SENT_BY_BROWSERS | headers)
        return self.page

    def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> Response:
        """Send a form with the hidden fields of the page that is shown; return where it ends."""
        fields = {**hidden(self.page.text), **(form or {})}
        headers = SENT_BY_BROWSERS | {"origin": URL}
        self.page = self.client.post(path, data=fields, headers=headers, **more)
        return self.page

    @property
    def text(self) -> str:
        """What a person reads on the page: its text without markup."""
        return text_of(self.page.text)


@contextmanager
def browser(home: Path, language: str = "en") -> Iterator[Browser]:
    """Give a browser that was let in to the page of a home."""
    application: Any = create_application(home, PORT, EntryTokens(KEY))
    with TestClient(application, base_url=URL) as client:
        client.cookies.set("weal_language", language)
        yield entered(client)


def entered(client: TestClient) -> Browser:
    """Return a browser that a token lets in."""
    form = {"token": new_token(KEY)}
    page = client.post("/enter", data=form, headers=SENT_BY_BROWSERS | {"origin": URL})
    assert page.status_code == 200, page.text
    return Browser(client, page)


def hidden(page: str) -> dict[str, str]:
    """Return what the first form of a page proves itself with."""
    names = ("form_token", "once")
    matches = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in names}
    return {name: unescape(match[1]) for name, match in matches.items() if match}


def text_of(page: str) -> str:
    """Return what stands on a page between its tags, each run of space as one."""
    reader = _Text()
    reader.feed(page)
    return " ".join(" ".join(reader.parts).split())


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
