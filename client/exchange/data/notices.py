"""What of consents waits for a member: requests for their data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.data.consent_states import all_consents, disposes, listed_consent
from commonweal.client.home.submit import now_ms
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.words import N_
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.data.consents import ASKED
from commonweal.protocol.ledger.exchange.data.contents import data_row

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

REQUEST = "consent_request"


def _waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield the requests for data of this member that nobody answered."""
    for id, row in all_consents(view):
        data = data_row(view.state, row.resource) if row.status == ASKED else None
        if data is not None and data.is_there and disposes(view, data.owner):
            yield Waiting(REQUEST, id, MemberId(row.member), row.clock, row.end)


def _words(view: LedgerView, entry: Waiting) -> str:
    request = listed_consent(view, entry.id, now_ms())
    text = view.words("{member} asks for your consent to use {name} for {purposes}")
    purposes = ", ".join(request.purposes)
    return text.format(member=request.member_name, name=request.name, purposes=purposes)


def _command(view: LedgerView, entry: Waiting) -> str:
    return f"consent grant --request {entry.id.hex()[:COMMAND_ID_DIGITS]}"


def _path(entry: Waiting) -> str:
    return f"/data/consents/{entry.id.hex()}"


SOURCE = WaitingSource({REQUEST: N_("request for your data")}, _waiting, _words, _command, _path)
