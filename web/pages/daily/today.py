"""Today: what waits for this member."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.client.inbox import KINDS
from commonweal.web.pages.request import Page

router = APIRouter()


@router.get("/")
def today(page: Page) -> Response:
    """Show what waits, deadlines first."""
    with page.member() as member:
        return page.show("daily/today.html", inbox=member.inbox(), kinds=KINDS)
