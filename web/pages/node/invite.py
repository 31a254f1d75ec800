"""Invite: make a link for others, see how each stands, take it back."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.client.community.invites import INVITE_USES_MAX, InviteLink
from commonweal.client.language.digits import whole_number
from commonweal.client.language.times import shown
from commonweal.client.language.words import N_
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError, UnusableText
from commonweal.web.pages.qr_codes import QR_CHARS_MAX, qr_code
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

INVITE = "/invite"
DURATIONS = {
    "1d": N_("a day"),
    "7d": N_("a week"),
    "30d": N_("a month"),
}
"""How long a link may hold, as the form offers it."""
STATES = {
    "open": N_("open"),
    "used": N_("used"),
    "expired": N_("expired"),
    "ended": N_("ended"),
    "revoked": N_("taken back"),
}
LINKS_MAX = 16
"""Links that were just made and can be looked at again, in all windows; they are secrets."""


@router.get(INVITE)
def invite(page: Page) -> Response:
    """Show the form, and all links that were made, the newest first."""
    return _show(page)


@router.post(INVITE)
def make(page: Page) -> Response:
    """Make a link; its page shows it as long as this process runs."""
    try:
        link = page.act(lambda member: _made(page, member))
    except CommonwealError as error:
        return _show(page, page.sentence(error))
    links = _links(page)
    while len(links) >= LINKS_MAX:
        links.pop(next(iter(links)))
    links[link.id.hex()] = link
    return page.go(f"{INVITE}/{link.id.hex()}")


@router.get("/invite/{id}")
def show_link(page: Page, id: str) -> Response:
    """Show a link that was just made, as text, as a code to read out, as a picture, to print."""
    link = _links(page).get(id)
    if link is None:
        return page.go(INVITE, page.words("A link is shown once: it is a secret. Make a new one."))
    drawn = qr_code(link.link) if len(link.link) <= QR_CHARS_MAX else None
    return page.show(
        "node/link.html",
        link=link,
        reach=link.reach.said(page.words),
        until=shown(link.expires_ms),
        drawn=drawn,
    )


@router.post("/invite/{id}/revoke")
def revoke(page: Page, id: str) -> Response:
    """Take a link back; those who joined by it stay."""
    page.act(lambda member: member.revoke_invite(id))
    _links(page).pop(id, None)
    text = page.words("The link is taken back. Who joined by it stays.")
    return page.go(INVITE, text, at=f"r-{id[:12]}")


def _made(page: PageRequest, member: Member) -> InviteLink:
    uses, expires = whole_number(page.field("uses")) or 0, page.field("expires")
    if not 1 <= uses <= INVITE_USES_MAX:
        text = page.words("a link is for 1 to {most:,} people").format(most=INVITE_USES_MAX)
        raise UnusableText(text)
    return member.invite(uses=uses, expires=expires if expires in DURATIONS else "7d")


def _show(page: PageRequest, error: str = "") -> Response:
    with page.member() as member:
        invites = member.invites()
        me = member.view.me
    return page.show(
        "node/invite.html",
        422 if error else 200,
        invites=invites[::-1],
        me=me,
        states={state: page.words(text) for state, text in STATES.items()},
        durations=[(value, page.words(text)) for value, text in DURATIONS.items()],
        typed={name: page.field(name) for name in ("uses", "expires")},
        error=error,
        shown_links=_links(page),
    )


def _links(page: PageRequest) -> dict[str, InviteLink]:
    links: dict[str, InviteLink] = page.request.app.state.links
    return links
