"""The door: `/enter` takes the token of `weal open` and begins a session; leaving ends it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from commonweal.client.language.words import N_
from commonweal.web.pages.language import words_of
from commonweal.web.pages.request import Page, theme_of
from commonweal.web.pages.template_set import rendered
from commonweal.web.security.connections import user_of
from commonweal.web.security.gate import ENTER, NOT_ENTERED, Refusal, now_ms

router = APIRouter()

NOT_TAKEN = N_(
    "This code is used, too old, or for another user of this computer."
    " Make a new one with `weal open`."
)


@router.get(ENTER)
async def door(request: Request) -> Response:
    """Show the door; its script sends the token that stands after the # of the address."""
    return _door(request, 200, "")


@router.post(ENTER)
async def enter(request: Request) -> Response:
    """Take a token; begin a session and show the first page."""
    token = request.state.form.get("token")
    user = await run_in_threadpool(user_of, request)
    tokens = request.app.state.entry
    if not isinstance(token, str) or not tokens.take(token.rpartition("#")[2], user=user):
        return _door(request, 403, NOT_TAKEN)
    sessions = request.app.state.sessions
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        sessions.cookie_name,
        sessions.begin(now_ms()),
        max_age=12 * 3600,
        path="/",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/exit")
async def leave(page: Page) -> Response:
    """End this browser's session."""
    page.request.app.state.sessions.end(page.session.key)
    return RedirectResponse(ENTER, 303)


def refuse(request: Request, refusal: Refusal) -> Response:
    """Return what a request gets that the gate did not let in."""
    if refusal.reason == NOT_ENTERED and request.method == "GET":
        return _door(request, refusal.status, refusal.reason)
    return _refused(request, refusal)


def _refused(request: Request, refusal: Refusal) -> Response:
    words = words_of(request)
    text = rendered("refused.html", words, theme=theme_of(request), reason=words(refusal.reason))
    return HTMLResponse(text, refusal.status)


def _door(request: Request, status: int, reason: str) -> Response:
    words = words_of(request)
    text = rendered("enter.html", words, theme=theme_of(request), reason=words(reason))
    return HTMLResponse(text, status)
