"""Payments: what is said to be paid on claims, and what of it waits for the word of this member."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.rows.claim_rows import PaidClaim
from commonweal.client.ledger.rows.contribution_rows import happened
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import claims, settlement
from commonweal.protocol.ledger.claims.claims import ClaimId
from commonweal.protocol.ledger.claims.settlement import SettlementRow
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class PaymentState:
    """What somebody says to have paid a member on claims. status: a key of PAYMENTS.

    final: the status is sealed. asks_me: it waits for the word of this member.
    """

    id: RecordId
    payer: bytes
    payer_name: str
    member: MemberId
    member_name: str
    amount: Decimal
    unit: str
    claims: tuple[PaidClaim, ...]
    status: str
    final: bool
    asks_me: bool
    when: PointInTime | None


class Payments(HomeAccess):
    """What was paid on claims."""

    def payments(self) -> list[PaymentState]:
        """Return all payments: what asks this member first, then the last to happen."""
        view = self.view
        rows = [
            _payment(view, key[1:], SettlementRow(*value))
            for key, value in view.state.items(settlement.SETTLEMENT)
        ]
        rows.sort(key=lambda row: (row.when is not None, row.when, row.id), reverse=True)
        return sorted(rows, key=lambda row: not row.asks_me)


def _payment(view: LedgerView, id: bytes, row: SettlementRow) -> PaymentState:
    event = event_row(view.state, id)
    assert event is not None and event.quantity is not None, "what settles is an event"
    parts = []
    for claim_id, n in row.parts:
        claim = claims.claim(view.state, claim_id)
        assert claim is not None, "what is paid is owed"
        parts.append(PaidClaim(ClaimId(claim_id), exact(n, claim.row.pool.scale), row.status))
    sealed = settlement.settlement_row(view.final, id)
    return PaymentState(
        id=RecordId(id),
        payer=event.provider,
        payer_name=view.name(event.provider),
        member=MemberId(row.claimant),
        member_name=view.name(row.claimant),
        amount=exact(*event.quantity[:2]),
        unit=event.quantity[2],
        claims=tuple(parts),
        status=row.status,
        final=sealed is not None and sealed.status == row.status,
        asks_me=row.status == settlement.SAID and _asks(view, id, row),
        when=happened(view, id),
    )


def _asks(view: LedgerView, id: bytes, row: SettlementRow) -> bool:
    """Return whether a payment waits for this member: the claimant, else others in their place."""
    event = event_row(view.state, id)
    assert event is not None, "what settles is an event"
    if view.me in (event.member, event.provider):
        return False
    if view.state.get(attestation.attestation_key(id, event, view.me)) is not None:
        return False
    is_gone = not registry.is_active(view.state, row.claimant)
    return view.me == row.claimant or is_gone or event.member == row.claimant
