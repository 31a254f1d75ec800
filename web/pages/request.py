"""One request of a member's browser: their home, their words, what they sent, what they get."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from commonweal.client.home.submit import WrittenRecord
from commonweal.client.language.words import N_, Words
from commonweal.client.member import Member
from commonweal.protocol.errors import (
    CommonwealError,
    PassphraseNeeded,
    UnusableText,
    UsageError,
    WrongPassphrase,
)
from commonweal.storage.home.home import Home
from commonweal.web.pages.language import words_of
from commonweal.web.pages.navigation import MENU
from commonweal.web.pages.template_set import rendered, short_id
from commonweal.web.security.gate import REFRESH
from commonweal.web.security.sessions import Session

THEME_COOKIE = "weal_theme"
THEMES = ("auto", "light", "dark")
ONCE_BYTES = 12
UNCOUNTED_FIELDS = frozenset({"form_token", "once", "passphrase"})
"""Fields that are no part of what is asked: the same form of a later session asks the same."""
DONE_BEFORE = N_("This form was sent before. What it asked for is done, once.")

TOLD_BY_DETAILS = (UsageError, UnusableText)
"""Their sentences are about the command that was typed; what is wrong is in the details."""

T = TypeVar("T")


class SentAgain(Exception):
    """A form that is sent again after it was done. earlier: the records that it wrote then."""

    def __init__(self, earlier: tuple[WrittenRecord, ...]) -> None:
        super().__init__()
        self.earlier = earlier


class KeysLocked(Exception):
    """No node runs that writes, and the keystore has a passphrase that was not sent."""

    def __init__(self, *, is_wrong: bool) -> None:
        super().__init__()
        self.is_wrong = is_wrong


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a page needs to know of a request, and what it answers with."""

    request: Request
    home: Home
    words: Words
    session: Session
    form: Any
    typed: str = ""
    """The name under which the session keeps the fields that are shown; "" without such."""

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
        with Member(self.home, words=self.words) as member:
            yield member

    def act(
        self,
        do: Callable[[Member], T],
        *,
        passphrase: str | None = None,
        again: Callable[[tuple[WrittenRecord, ...]], T] | None = None,
    ) -> T:
        """Return what `do` returns; it calls one method that writes. Raises what that raises.

        A form writes once, however often it is sent, also after this process was killed.

        passphrase: of the keystore, for what asks for it in any case; else it is asked for only
        where no node runs that writes. again: makes the same of the records that were written,
        where the form was sent before; without it the browser is led to where the first answer
        led, or to the page that the form stood on.
        """
        key = self.once_key
        typed = passphrase or self.field("passphrase") or None
        with Member(self.home, words=self.words, passphrase=typed) as member:
            try:
                if not key:
                    return do(member)
                made = member.once(key, b"", lambda: do(member))
            except (PassphraseNeeded, WrongPassphrase) as error:
                if passphrase is not None:
                    raise
                raise KeysLocked(is_wrong=isinstance(error, WrongPassphrase)) from error
        self.request.state.acted_under = key
        if not made.earlier:
            return cast("T", made.answer)
        if again is None:
            raise SentAgain(made.earlier)
        return again(made.earlier)

    @property
    def once_key(self) -> str:
        """The key under which this form acts: of its `once`, and of all that it asks for."""
        once = self.field("once")
        if not once:
            return ""
        asked = blake2b(digest_size=16)
        for name, value in [("", self.path), *self.form.multi_items()]:
            if name not in UNCOUNTED_FIELDS:
                part = value.encode() if isinstance(value, str) else _content(value)
                asked.update(b"%d %d " % (len(name), len(part)) + name.encode() + part)
        return f"{once} {asked.hexdigest()}"

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
            once=self.typed or secrets.token_urlsafe(ONCE_BYTES),
            notices=[] if REFRESH in self.request.headers else self.session.take_notices(),
            strip=self.request.app.state.live.strip(self.words),
            **values,
        )

    @property
    def address(self) -> str:
        """The path with its query, to come back to; of a form, that of the page it stands on."""
        if self.request.method == "POST":
            return self.path.rpartition("/")[0] or "/"
        query = self.request.url.query
        return f"{self.path}?{query}" if query else self.path

    def go(self, path: str, notice: str = "", *, at: str = "", **query: str) -> Response:
        """Send the browser to another page after an act. at: the id of what it shall look at."""
        if notice:
            self.session.notify(notice)
        asked = urlencode({name: value for name, value in query.items() if value})
        target = (f"{path}?{asked}" if asked else path) + (f"#{at}" if at else "")
        if key := getattr(self.request.state, "acted_under", ""):
            self.session.remember(key, (target, notice))
        return RedirectResponse(target, 303)

    @property
    def is_sent(self) -> bool:
        """Whether a form was sent just now, not kept and shown by its address."""
        return bool(self.request.method == "POST")

    def show_typed(self, path: str, *, at: str = "", **more: str) -> Response:
        """Keep what a form carries, and send the browser to where it is looked at.

        A browser does not come back to the answer of a form, but it does to an address. more:
        fields to be kept instead of those that were sent under their names.
        """
        texts = [
            (name, value)
            for name, value in self.form.multi_items()
            if isinstance(value, str) and name not in UNCOUNTED_FIELDS and name not in more
        ]
        return self.go(path, at=at, typed=self.session.keep_typed([*texts, *more.items()]))

    def ask_passphrase(self, locked: KeysLocked) -> Response:
        """Ask for the passphrase that a form lacked, to send the same form again with it."""
        texts = [
            (name, value)
            for name, value in self.form.multi_items()
            if isinstance(value, str) and name not in ("form_token", "passphrase")
        ]
        return self.show("locked.html", 422, fields=texts, is_wrong=locked.is_wrong)

    def go_again(self, sent: SentAgain) -> Response:
        """Send the browser to where the first answer to the same form led, if it is known.

        Else to the page that the form stood on, and there to what was written.
        """
        if answer := self.session.answers.get(self.once_key):
            target, notice = answer
            return self.go(target, notice)
        came_from = urlsplit(self.request.headers.get("referer", ""))
        path = f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
        at = f"r-{short_id(sent.earlier[0].id)}"
        return self.go(own_path(path, "/"), self.words(DONE_BEFORE), at=at)

    def sentence(self, error: CommonwealError) -> str:
        """Return what went wrong, as the member reads it beside the field."""
        return sentence(error, self.words)


def own_path(path: str, otherwise: str) -> str:
    """Return a path of this page to go back to; `otherwise` where it is another site's."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isprintable() else otherwise


def _content(upload: Any) -> bytes:
    """Return the bytes of a file that was sent, and leave it to be read again."""
    sent: bytes = upload.file.read()
    upload.file.seek(0)
    return sent


def sentence(error: CommonwealError, words: Words) -> str:
    """Return what went wrong as one sentence, with its details."""
    said, details = words.error(error), words.details(error)
    if details and type(error) in TOLD_BY_DETAILS:
        return details
    return f"{said} {details}" if details and details not in said else said


def theme_of(request: Request) -> str:
    """Return the colours that the reader chose: "auto", "light" or "dark"."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def page_of(request: Request) -> PageRequest:
    """Return what a page needs; the gate has let the request in."""
    state, home = request.state, request.app.state.home
    typed = request.query_params.get("typed", "") if request.method == "GET" else ""
    if state.session is not None and typed in state.session.typed:
        form = FormData(state.session.typed[typed])
        return PageRequest(request, home, words_of(request), state.session, form, typed)
    return PageRequest(request, home, words_of(request), state.session, state.form)


async def page_request(request: Request) -> PageRequest:
    """Return what a page needs, without a thread for it."""
    return page_of(request)


Page = Annotated[PageRequest, Depends(page_request)]
"""The parameter by which a handler takes its request."""
