"""What a member sees when something cannot be done, is not there, or went wrong in the page.

None of it is a coroutine: such a page asks the node how it stands, and the loop cannot wait for it.
"""

from __future__ import annotations

import logging

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from commonweal.client.keep.calendar_addresses import PATH as CALENDAR
from commonweal.client.language.words import N_
from commonweal.protocol.errors import CommonwealError, MissingDatabase, NotInCommunity, UnknownId
from commonweal.web.pages.language import words_of
from commonweal.web.pages.request import (
    KeysLocked,
    SentAgain,
    page_of,
    sentence,
    theme_of,
)
from commonweal.web.pages.template_set import rendered

log = logging.getLogger(__name__)

NO_PAGE = N_("There is no such page.")
BROKEN = N_("Something went wrong in the page itself. Nothing that was recorded is lost.")
WELCOME = "/welcome"


def refused(request: Request, error: Exception) -> Response:
    """Say what could not be done; a home that is not finished leads to its beginning."""
    assert isinstance(error, CommonwealError)
    page = page_of(request)
    if isinstance(error, NotInCommunity | MissingDatabase) and request.method == "GET":
        return page.go(WELCOME)
    status = 404 if isinstance(error, UnknownId) else 422
    return page.show("failure.html", status, reason=sentence(error, page.words))


def sent_again(request: Request, sent: Exception) -> Response:
    """Lead a form that was sent before to where it led then; nothing is written."""
    assert isinstance(sent, SentAgain)
    return page_of(request).go_again(sent)


def locked(request: Request, error: Exception) -> Response:
    """Ask for the passphrase of the keystore, where no node runs that would write."""
    assert isinstance(error, KeysLocked)
    return page_of(request).ask_passphrase(error)


def missing(request: Request, _error: Exception) -> Response:
    """Say that there is no such page."""
    page = page_of(request)
    if page.session is None:
        return _bare(request, 404, NO_PAGE)
    return page.show("failure.html", 404, reason=page.words(NO_PAGE))


def broken(request: Request, error: Exception) -> Response:
    """Say that the page has a fault; what it was stands in the log."""
    path = CALENDAR if request.url.path.startswith(CALENDAR) else request.url.path  # no token
    log.error("%s %s failed", request.method, path, exc_info=error)
    return _bare(request, 500, BROKEN)


def _bare(request: Request, status: int, reason: str) -> Response:
    words = words_of(request)
    text = rendered("refused.html", words, theme=theme_of(request), reason=words(reason))
    return HTMLResponse(text, status)
