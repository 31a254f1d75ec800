"""What the inbox says of this member's projects: which of them soon end by themselves.

As for offers, when follows from the time of the last seal. What closed, or was left, is silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.offer_notices import end_step
from commonweal.client.exchange.offer_rows import sealed_at
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.days import shown_until
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import N_
from commonweal.client.ventures.projects.states import project
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.ventures.projects.projects import is_in, open_projects

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

ENDS = "project_ends"


def _waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield the open projects that this member is in and that end within a week, or a day."""
    at_ms = sealed_at(view)
    for id in open_projects(view.state):
        row = project(view, id)
        if row.end_ms is None or not is_in(view.state, id, view.me):
            continue
        step = end_step(row.end_ms, at_ms)
        if step:
            yield Waiting(ENDS, id, MemberId(row.member), row.clock, row.end_ms, round=step)


def _words(view: LedgerView, entry: Waiting) -> str:
    row = project(view, entry.id)
    text = view.words(
        "the project {name} ends soon, {day}: what is left is shared, open tasks end with it"
    )
    return text.format(name=visible(row.name), day=shown_until(row.end_ms))


def _command(_view: LedgerView, entry: Waiting) -> str:
    return f"project show {entry.id.hex()[:COMMAND_ID_DIGITS]}"


def _path(entry: Waiting) -> str:
    return f"/projects/{entry.id.hex()}"


SOURCE = WaitingSource({ENDS: N_("project that ends soon")}, _waiting, _words, _command, _path)
