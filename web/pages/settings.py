"""Settings: language, colours, the browsers that are let in."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.web.pages.language import LANGUAGE_COOKIE, LANGUAGES
from commonweal.web.pages.request import THEME_COOKIE, THEMES, Page, own_path

router = APIRouter()

YEAR_SECONDS = 365 * 86_400


@router.get("/settings")
def settings(page: Page) -> Response:
    """Show what the reader can choose."""
    sessions = page.request.app.state.sessions
    return page.show("settings.html", sessions=len(sessions))


@router.post("/settings/look")
def choose(page: Page) -> Response:
    """Keep the language and the colours that were chosen, in cookies of this browser."""
    answer = page.go(own_path(page.field("back"), "/settings"))
    for cookie, name, known in (
        (LANGUAGE_COOKIE, "language", LANGUAGES),
        (THEME_COOKIE, "theme", THEMES),
    ):
        if page.field(name) in known:
            answer.set_cookie(
                cookie,
                page.field(name),
                max_age=YEAR_SECONDS,
                path="/",
                httponly=True,
                samesite="strict",
            )
    return answer


@router.post("/settings/end-others")
def end_others(page: Page) -> Response:
    """End the sessions of all other browsers."""
    ended = page.request.app.state.sessions.end_others(page.session.key)
    text = page.words.plural(
        "{n} other browser was sent out.", "{n} other browsers were sent out.", ended
    )
    return page.go("/settings", text.format(n=ended))
