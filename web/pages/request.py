"""One request of a member's browser: their home, their words, what they sent, what they get."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from commonweal.client.language.words import Words
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home.home import Home
from commonweal.web.pages.language import words_of
from commonweal.web.pages.navigation import MENU
from commonweal.web.pages.template_set import rendered
from commonweal.web.security.gate import REFRESH
from commonweal.web.security.sessions import Session

THEME_COOKIE = "weal_theme"
THEMES = ("auto", "light", "dark")
ONCE_BYTES = 12

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a page needs to know of a request, and what it answers with."""

    request: Request
    home: Home
    words: Words
    session: Session
    form: Any

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return self.request.url.path

    def query(self, name: str) -> str:
        """Return a parameter of the address, "" where it is missing."""
        return self.request.query_params.get(name, "").strip()

    def field(self, name: str) -> str:
        """Return a text that was sent in a form, without space around it; "" where it is missing.

        Browsers send line ends as CR LF (HTML, form submission); they are kept as LF.
        """
        sent = self.form.get(name) if self.form is not None else None
        return sent.strip().replace("\r\n", "\n") if isinstance(sent, str) else ""

    def secret(self, name: str) -> str:
        """Return a passphrase as it was sent, spaces included; "" where it is missing."""
        sent = self.form.get(name) if self.form is not None else None
        return sent if isinstance(sent, str) else ""

    def fields(self, name: str) -> list[str]:
        """Return all texts that were sent under one name, as check boxes send them."""
        sent = self.form.getlist(name) if self.form is not None else []
        return [text.strip() for text in sent if isinstance(text, str)]

    @contextmanager
    def member(self) -> Iterator[Member]:
        """Give the member of this home, to read."""
        with Member(self.home, language=self.words.language) as member:
            yield member

    def act(self, do: Callable[[Member], T], *, passphrase: str | None = None) -> T:
        """Return what `do` returns, which writes for the member. Raises what it raises.

        passphrase: of the keystore; None where a running node writes, or there is none.
        """
        language = self.words.language
        with Member(self.home, language=language, passphrase=passphrase) as member:
            return do(member)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page. values: what its template names."""
        return HTMLResponse(self._rendered(template, values), status)

    def _rendered(self, template: str, values: dict[str, Any]) -> str:
        return rendered(
            template,
            self.words,
            path=self.path,
            address=self.address,
            menu=MENU,
            theme=theme_of(self.request),
            form_token=self.session.form_token,
            once=secrets.token_urlsafe(ONCE_BYTES),
            notices=[] if REFRESH in self.request.headers else self.session.take_notices(),
            strip=self.request.app.state.live.strip(self.words),
            **values,
        )

    @property
    def address(self) -> str:
        """The path with its query, to come back to."""
        query = self.request.url.query
        return f"{self.path}?{query}" if query else self.path

    def go(self, path: str, notice: str = "", *, at: str = "", **query: str) -> Response:
        """Send the browser to another page after an act. at: the id of what it shall look at."""
        if notice:
            self.session.notify(notice)
        asked = urlencode({name: value for name, value in query.items() if value})
        target = f"{path}?{asked}" if asked else path
        return RedirectResponse(f"{target}#{at}" if at else target, 303)

    def sentence(self, error: CommonwealError) -> str:
        """Return what went wrong, as the member reads it beside the field."""
        return sentence(error, self.words)


def sentence(error: CommonwealError, words: Words) -> str:
    """Return what went wrong as one sentence, with its details."""
    said, details = words.error(error), str(error)
    return f"{said} {details}" if details and details not in said else said


def theme_of(request: Request) -> str:
    """Return the colours that the reader chose: "auto", "light" or "dark"."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


async def page_request(request: Request) -> PageRequest:
    """Return what a page needs; the gate has let the request in."""
    state = request.state
    return PageRequest(
        request, request.app.state.home, words_of(request), state.session, state.form
    )


Page = Annotated[PageRequest, Depends(page_request)]
"""The parameter by which a handler takes its request."""
