"""The gate: what every request passes before anything of the page runs, in a fixed order.

Host, method and size, where the request comes from, session, form token. The order matters: a
foreign host makes all that comes after it look right.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastapi import Request, Response
from python_multipart.multipart import parse_options_header
from starlette.formparsers import MultiPartException

from commonweal.client.keep.calendar_addresses import PATH as CALENDAR
from commonweal.client.language.words import N_
from commonweal.web.security import hosts
from commonweal.web.security.sessions import Session, Sessions

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HEAD_BYTES_MAX = 8 * 1024
"""Of a request, with its empty line. The server itself bounds only one that comes in parts."""
FORM_BYTES_MAX = 64 * 1024
SHEET_BYTES_MAX = 1024 * 1024
FORM_FIELDS_MAX = 256
FORM_SECONDS_MAX = 30.0
ENTRY_BYTES_MAX = 4096

REFRESH = "x-refresh"
"""The header of a request that an open window makes by itself."""

ENTER, LIVE, ASSETS, API = "/enter", "/live", "/assets/", "/api/v1"
WITH_FILES = frozenset(
    {"/give/sheet", "/rules/file", "/rules/review", "/rules/propose", "/data/contents"}
)
"""Paths whose forms carry a file, of at most SHEET_BYTES_MAX."""

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer a form of ours has no origin either
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""What every answer carries."""

FOREIGN_HOST = N_("This address is not the page's. Open it with `weal open`.")
WRONG_METHOD = N_("The page does not answer this kind of request.")
TOO_LARGE = N_("This is more than the page takes at once.")
TOO_SLOW = N_("The form took too long to arrive. Send it again.")
FOREIGN_PAGE = N_("Another site sent you here. To be sure that you want this, go on yourself.")
NOT_ENTERED = N_("This browser was not let in yet, or not for a long time.")
STALE_FORM = N_("This form is of an earlier session. Nothing was done; send it again.")
BAD_FORM = N_("This form cannot be read.")


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """A request that is not answered. reason: a sentence, not translated yet."""

    status: int
    reason: str


Refuse: TypeAlias = Callable[[Request, Refusal], Response]
"""Makes the page that a refused request gets."""


class Gate:
    """An ASGI application before another one."""

    def __init__(
        self, application: Application, port: int, sessions: Sessions, refuse: Refuse
    ) -> None:
        """port: where the page listens; its hosts and origins follow from it."""
        self._application, self._sessions, self._refuse = application, sessions, refuse
        self._hosts, self._origins = hosts.hosts(port), hosts.origins(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on with its session and its form."""
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        request = Request(scope, receive)
        guarded = _with_headers(send)
        try:
            await self._check(request)
        except Refusal as refusal:
            return await self._refuse(request, refusal)(scope, receive, guarded)
        try:
            return await self._application(scope, request.receive, guarded)
        finally:
            if request.state.form is not None:
                await request.state.form.close()

    async def _check(self, request: Request) -> None:
        """Raise Refusal, or note in `request.state` what the page needs to know."""
        state = request.state
        state.session, state.form = None, None
        if request.headers.getlist("host") not in [[host] for host in self._hosts]:
            raise Refusal(421, FOREIGN_HOST)
        if _head_bytes(request) > HEAD_BYTES_MAX:
            raise Refusal(431, TOO_LARGE)
        path, method = request.url.path, request.method
        if path.startswith(API):
            return  # bearer tokens: no browser sends them by itself
        if method not in ("GET", "POST"):
            raise Refusal(405, WRONG_METHOD)
        _check_length(request)
        self._check_source(request)
        if path.startswith(CALENDAR) and method == "GET":
            return  # the token in the path is what lets a program in
        if path == ENTER or path.startswith(ASSETS):
            if method == "POST":
                state.form = await _form(request)
            return
        state.session = session = self._session(request)
        if session is None:
            raise Refusal(401, NOT_ENTERED)
        if method == "POST":
            state.form = form = await _form(request)
            token = form.get("form_token")
            if not isinstance(token, str) or not hmac.compare_digest(
                token.encode(), session.form_token.encode()
            ):
                raise Refusal(403, STALE_FORM)

    def _check_source(self, request: Request) -> None:
        """Raise Refusal for what another site had the browser send.

        Every browser of today sends Sec-Fetch-Site to loopback. A form without it must name its
        origin, and the event stream is refused without it.
        """
        headers = request.headers
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        is_act = request.method == "POST"
        if site not in (None, "same-origin") and (site != "none" or is_act):
            raise Refusal(403, FOREIGN_PAGE)
        if (origin is not None or is_act) and origin not in self._origins_of(headers["host"]):
            raise Refusal(403, FOREIGN_PAGE)
        if request.url.path == LIVE and site != "same-origin":
            raise Refusal(403, FOREIGN_PAGE)

    def _origins_of(self, host: str) -> frozenset[str]:
        return self._origins & {f"http://{host}"}

    def _session(self, request: Request) -> Session | None:
        cookie = request.cookies.get(self._sessions.cookie_name)
        is_used = REFRESH not in request.headers and request.url.path != LIVE
        return None if cookie is None else self._sessions.of(cookie, now_ms(), is_used=is_used)


def now_ms() -> int:
    """Return the time, in ms since 1970."""
    return time.time_ns() // 1_000_000


def bytes_max(path: str) -> int:
    """Return how long the body of a form for `path` may be."""
    if path == ENTER:
        return ENTRY_BYTES_MAX
    return SHEET_BYTES_MAX if path in WITH_FILES else FORM_BYTES_MAX


def _head_bytes(request: Request) -> int:
    """Return how long the head of a request is, as RFC 9112 writes it."""
    scope = request.scope
    target = len(scope["raw_path"]) + bool(scope["query_string"]) + len(scope["query_string"])
    fields = sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])
    return len(f"{request.method}  HTTP/1.1\r\n\r\n") + target + fields


def _check_length(request: Request) -> None:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > bytes_max(request.url.path):
        raise Refusal(413, TOO_LARGE)


def _check_charset(request: Request) -> None:
    """Raise Refusal for a form in another encoding than UTF-8: some make halves of characters.

    A browser names none (HTML, multipart/form-data encoding algorithm).
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise Refusal(400, BAD_FORM)


async def _form(request: Request) -> Any:
    """Return the fields of a form. Raises Refusal when it is too large, slow or no form."""
    _check_charset(request)
    most, size, parts = bytes_max(request.url.path), 0, []
    try:
        async with asyncio.timeout(FORM_SECONDS_MAX):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise Refusal(413, TOO_LARGE)
                parts.append(part)
    except TimeoutError:
        raise Refusal(408, TOO_SLOW) from None
    whole = b"".join(parts)

    async def replay() -> Message:
        return {"type": "http.request", "body": whole, "more_body": False}

    try:
        return await Request(request.scope, replay).form(
            max_files=1, max_fields=FORM_FIELDS_MAX, max_part_size=most
        )
    except (MultiPartException, ValueError):
        raise Refusal(400, BAD_FORM) from None


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in HEADERS}
            kept = [(name, value) for name, value in message["headers"] if name not in own]
            cache = [
                (name, value)
                for name, value in message["headers"]
                if name == b"cache-control" and value.startswith(b"private, immutable")
            ]
            fixed = [header for header in HEADERS if not cache or header[0] != b"cache-control"]
            message["headers"] = [*kept, *fixed, *cache]
        await send(message)

    return guarded
