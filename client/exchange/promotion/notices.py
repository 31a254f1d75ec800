"""What of promotion waits for a member: referrals to attest, and commissions to pay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.promotion.lists import agent_name, commission_in
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.words import N_
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions.attestation import SAID
from commonweal.protocol.ledger.exchange.commitments import PROMISED, commitment_row
from commonweal.protocol.ledger.exchange.promotion.commissions import (
    COMMISSION,
    commission_row,
)
from commonweal.protocol.ledger.exchange.promotion.referrals import (
    REFERRAL,
    ReferralRow,
    referral_row,
)
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

REFERRAL_ASKED, COMMISSION_OWED = "referral", "commission"
KINDS = {
    REFERRAL_ASKED: N_("who brought somebody outside"),
    COMMISSION_OWED: N_("commission to pay"),
}


def waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield what of promotion waits for this member."""
    state, me = view.state, view.me
    for key, value in state.items(REFERRAL):
        row, id = ReferralRow(*value), key[len(REFERRAL) :]
        if row.since_ms is not None or not agents.is_outside(row.buyer):
            continue
        if me not in (row.member, row.promoter) and state.get(SAID + id + me) is None:
            yield Waiting(REFERRAL_ASKED, id, MemberId(row.member), row.clock)
    for key, _ in state.items(COMMISSION):
        owed = commitment_row(state, key[len(COMMISSION) :])
        if owed is not None and owed.status in PROMISED and owed.open.n and owed.provider == me:
            promoter = MemberId(owed.receiver)
            yield Waiting(COMMISSION_OWED, key[len(COMMISSION) :], promoter, owed.clock)


def words(view: LedgerView, entry: Waiting) -> str:
    """Return what is asked, as a short sentence."""
    if entry.kind == REFERRAL_ASKED:
        row = referral_row(view.state, entry.id)
        assert row is not None, "it waits"
        text = view.words("{promoter} brought {buyer}, as the seller says: attest it if it is so")
        buyer = agent_name(view, row.buyer)
        return text.format(promoter=view.name(MemberId(row.promoter)), buyer=buyer)
    counted = commission_row(view.state, entry.id)
    assert counted is not None, "it waits"
    owed = commission_in(view, RecordId(entry.id), counted)
    text = view.words("{amount} {unit} to {name}: {rate}% of {income} {unit}, by the code {code}")
    return text.format(
        amount=f"{owed.open:f}",
        unit=shown_unit(owed.unit, view.words),
        name=owed.promoter_name,
        rate=f"{owed.rate:f}",
        income=f"{owed.income:f}",
        code=owed.code,
    )


def command(_view: LedgerView, entry: Waiting) -> str:
    """Return what does it, as it is typed after `weal`."""
    short = entry.id.hex()[:COMMAND_ID_DIGITS]
    return f"attest {short}" if entry.kind == REFERRAL_ASKED else f"promote pay {short}"


def path(entry: Waiting) -> str:
    """Return the page on which it is done."""
    return "/promotion#asked" if entry.kind == REFERRAL_ASKED else "/promotion#earned"


SOURCE = WaitingSource(KINDS, waiting, words, command, path)
