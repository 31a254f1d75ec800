"""Today: what waits for this member, each done in one step, and what the community did lately."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from fastapi import APIRouter, Response

from commonweal.client.community.node import HomeStatus
from commonweal.client.inbox import KINDS
from commonweal.client.language.words import N_
from commonweal.client.member import Member
from commonweal.client.sharing.finality import progress_words
from commonweal.client.today import TodayRow
from commonweal.protocol.errors import CommonwealError, UsageError
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.template_set import short_id

router = APIRouter()

LATELY_MAX = 8
"""Contributions that are shown of what all did lately."""
SAYS = {
    "attest": ("yes", "no"),
    "vote": ("yes", "no", "abstain"),
    "deal": ("yes", "no"),
    "booking_moved": ("yes", "no"),
}
DONE = {
    "attest": N_("It is said. It counts from the next seal."),
    "vote": N_("Your vote is cast. You can change it while the vote is open."),
    "request": N_("You vouch for them."),
    "role": N_("You endorse them."),
    "offer": N_("You offered to witness. It takes the endorsement of all who do."),
    "deal": N_("You answered. The others see it once they hold it."),
    "booking_lend": N_("It is handed over."),
    "booking_return": N_("It is back."),
    "booking_moved": N_("You answered. The others see it once they hold it."),
    "booking_blocked": N_("It is taken back."),
}
NO_ACT = N_("This cannot be done here.")


@router.get("/")
def today(page: Page) -> Response:
    """Show what waits, deadlines first; whether all is in order; and what was given lately."""
    return _shown(page)


@router.get("/today")
def to_today(page: Page) -> Response:
    """Lead to the first page; its forms are below this path."""
    return page.go("/")


@router.post("/today/do")
def do(page: Page) -> Response:
    """Do what a line asks for: attest, vote, vouch, endorse, witness, answer, hand over."""
    kind = _act_of(page.field("kind"))
    try:
        page.act(_asked(page, kind))
    except CommonwealError as error:
        return _shown(page, 422, error=page.sentence(error), at=page.field("key"))
    return page.go("/", page.words(DONE[kind]), at=page.field("next"))


@router.post("/today/later")
def later(page: Page) -> Response:
    """Put a line off until tomorrow."""
    with page.member() as member:
        member.put_off(page.field("key"))
    return page.go("/", page.words("Put off until tomorrow."), at=page.field("next"))


@router.post("/today/back")
def back(page: Page) -> Response:
    """Show what was put off."""
    with page.member() as member:
        member.bring_back()
    return page.go("/")


def _act_of(kind: str) -> str:
    """Return which act a line of this kind asks for; of several kinds it is the same."""
    if kind in ("event", "payment", "correction", "agent"):
        return "attest"
    if kind == "booking_late":
        return "booking_return"
    return "role" if kind == "seat" else kind


def _asked(page: PageRequest, kind: str) -> Callable[[Member], object]:
    """Return what does the act that a form asks for. Raises UsageError where there is none."""
    id, say, person = (page.field(name) for name in ("id", "say", "member"))
    if say not in SAYS.get(kind, (say,)):
        raise UsageError(page.words(NO_ACT))
    acts: dict[str, Callable[[Member], object]] = {
        "attest": lambda member: member.attest(id, say=say),
        "vote": lambda member: member.vote(id, say),
        "request": lambda member: member.vouch(person),
        "role": lambda member: member.endorse_role(person, page.field("about")),
        "offer": lambda member: member.claim_role("witness"),
        "deal": lambda member: member.accept_deal(id) if say == "yes" else member.decline_deal(id),
        "booking_lend": lambda member: member.hand_out(id),
        "booking_return": lambda member: member.take_back(id),
        "booking_moved": lambda member: (
            member.accept_booking(id) if say == "yes" else member.decline_booking(id)
        ),
        "booking_blocked": lambda member: member.cancel_booking(id),
    }
    if kind not in acts:
        raise UsageError(page.words(NO_ACT))
    return acts[kind]


def _shown(page: PageRequest, status: int = 200, *, error: str = "", at: str = "") -> Response:
    with page.member() as member:
        listed, home = member.today(), member.status()
        recent = member.contributions(limit=LATELY_MAX).records
        ids = [row.row.id for row in listed.rows if row.row.id is not None]
        marks = [mark(row) for row in listed.rows]
        return page.show(
            "daily/today.html",
            status,
            listed=listed,
            marks=marks,
            following=[*marks[1:], *marks[-2:-1]] or [""],
            kinds=KINDS,
            promised=_promised,
            states=member.record_states([*ids, *(row.id for row in recent)]),
            shares=member.latest_shares(),
            home=home,
            missing=", ".join(_missing(home)),
            backlog="" if home.finality is None else progress_words(home.finality, page.words),
            recent=recent,
            error=error,
            at=at,
        )


def _missing(home: HomeStatus) -> list[str]:
    """Return the names of witnesses that the node does not reach."""
    witnesses = home.finality.witnesses if home.finality else ()
    return sorted({witness.member_name for witness in witnesses if witness.missing})


def mark(row: TodayRow) -> str:
    """Return the id of a line on the page."""
    return f"r-{short_id(row.row.id) or row.row.kind}"


def _promised(row: TodayRow) -> dict[str, str]:
    """Return what Give is filled in with to keep a promise."""
    words = shlex.split(row.about)
    given = dict(zip(("action", "quantity", "unit"), words, strict=False))
    return given | {"fulfills": row.row.id.hex() if row.row.id else ""}
