"""How the home stands, what waits for its member, and what is final."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from commonweal.client.inbox import InboxRow
from commonweal.client.member import Member
from commonweal.web.api.calls import Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import Id

SEAL_SECONDS_MAX = 10.0
"""How long `POST /seals` waits for the other witnesses."""
SEALS_MAX, WAITS_MAX = 100_000, 100_000

router = SubjectRouter(tags=["state"])


@router.reads("/status", result_of(Member.status))
def status(me: Reader) -> Any:
    """How this home stands, as `weal status`."""
    return me.status()


@router.reads("/peers", result_of(Member.peers))
def peers(me: Reader) -> Any:
    """Whose nodes are connected, and who wrote most. Answers 503 where no node runs."""
    return me.peers()


@router.reads("/inbox", page_of("waits", model_of(InboxRow), total=int))
def inbox(me: Reader, page: Page) -> Any:
    """What waits for the member, and the command that does it, as `weal inbox`."""
    listed = me.inbox(limit=page.limit + 1 if page.cursor is None else WAITS_MAX)
    rows, rest = page.part(listed.rows, lambda row: (row.kind, row.id or b"", row.command))
    return {"waits": rows, "total": listed.total, "next": rest}


@router.reads("/deadlines", result_of(Member.deadlines))
def deadlines(me: Reader) -> Any:
    """What ends or is due when."""
    return me.deadlines()


@router.reads("/records/{id}", result_of(Member.show))
def record(me: Reader, id: Id) -> Any:
    """One record in full, as `weal show`."""
    return me.show(id)


@router.reads("/seals", rows_of("seals", Member.seals))
def seals(me: Reader, page: Page) -> Any:
    """The seals, the earliest first, as `weal seals`."""
    rows, rest = page.part(me.seals(SEALS_MAX), lambda row: row.height)
    return {"seals": rows, "next": rest}


@router.writes("/seals", result_of(Member.seal))
def seal(write: Writes) -> Response:
    """Make what waits final, as `weal seal`. Answers 409 where a quorum is not there."""
    return write(lambda me: me.seal(wait_s=SEAL_SECONDS_MAX))
