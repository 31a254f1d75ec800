"""Payments between members: paid from a balance, or asked of somebody as a promise.

Never decides what counts: the fold does, and what it refuses is not written.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.access import prefix, wish_of
from commonweal.client.contributions.unit_choice import not_exact
from commonweal.client.exchange.credit.balances import (
    CreditBalance,
    MemberBalances,
    balances_of,
)
from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import (
    converted,
    exact,
    read_quantity,
    rounded,
    shown_unit,
    units_alike,
)
from commonweal.client.language.times import read_due_ms
from commonweal.client.language.words import Words
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import UnknownId, UnreadableQuantity, WouldNotCount
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREEMENT,
    OPEN_DEAL,
    YES,
    agreement_row,
    clause_rows,
    signed_row,
)
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class CreditPayment:
    """A payment that was written. balance: of the payer after it; None in a unit without credit."""

    id: RecordId
    seq: int
    member: MemberId
    member_name: str
    amount: Decimal
    unit: str
    balance: CreditBalance | None


@dataclass(frozen=True, slots=True)
class AskedPayment:
    """A payment that was asked of a member. id: of the deal to agree to; promise: what they pay."""

    id: RecordId
    seq: int
    promise: RecordId
    member: MemberId
    member_name: str
    amount: Decimal
    unit: str


class CreditPayments(MemberBalances):
    """What members pay each other, and ask each other to pay."""

    def pay(
        self,
        member: str,
        quantity: str | int | Decimal,
        unit: str,
        *,
        fulfills: str | bytes | None = None,
        note: str | None = None,
    ) -> CreditPayment:
        """Pay a member from this member's balance.

        unit: in which the rules have credit, or one that converts into it exactly. fulfills: a
        promise to pay them, or a deal with one; where it is only asked of this member, they agree
        to it by this. Then any unit is taken: without credit it says that it was paid. note: can be
        erased later. Raises UnknownId, AmbiguousId, UnreadableQuantity, UnusableText, WouldNotCount
        with the reason.
        """
        view = self.view
        payee = view.member(member)
        amount = credit_amount(view, quantity, unit, is_promised=fulfills is not None)
        data = transfer_data(view.me, payee, amount)
        text = note_body(note, words=self.words)
        drafts = view.drafts()
        cited: tuple[RecordId, ...] = ()
        if fulfills is not None:
            promise, asked = promise_of(view, prefix(fulfills))
            cited = (promise,)
            data["fulfills"] = bytes(promise)
            if asked is not None:
                answer = {"agreement": bytes(asked), "say": YES}
                drafts.add(wish_of("agreement.sign", answer, (asked,)))
        drafts.add(wish_of("event", data, cited, text))
        *_, written = self._write_drafts(drafts)
        name = str(amount["unit"])
        return CreditPayment(
            written.id,
            written.seq,
            payee,
            self.view.name(payee),
            exact(amount["n"], amount["scale"]),
            name,
            self._own_balance(name),
        )

    def ask(
        self,
        member: str,
        quantity: str | int | Decimal,
        unit: str,
        *,
        due: str | None = None,
        note: str | None = None,
    ) -> AskedPayment:
        """Ask a member to pay: a promise that is in force once they agree, or pay.

        unit: as for `pay`, or any other. due: until when, as typed. note: can be erased later.
        Raises what `pay` does, and UnreadableTime.
        """
        view = self.view
        payer = view.member(member)
        amount = credit_amount(view, quantity, unit, is_promised=True)
        data = transfer_data(payer, view.me, amount) | {"clause": True}
        if due is not None:
            data["due"] = read_due_ms(due, now_ms())
        drafts = view.drafts()
        promise = drafts.add(wish_of("commitment", data, (), note_body(note, words=self.words)))
        drafts.add(wish_of("agreement", {"stipulates": [bytes(promise)]}, (promise,)))
        first, second = self._write_drafts(drafts)
        number = exact(amount["n"], amount["scale"])
        name = self.view.name(payer)
        return AskedPayment(second.id, second.seq, first.id, payer, name, number, amount["unit"])

    def _own_balance(self, unit: str) -> CreditBalance | None:
        """Return this member's balance in a unit; None where nobody may have one."""
        view = self.view
        if unit not in view.kept.rules.credits and unit not in credit.units(view.state):
            return None
        return next(balances_of(view, view.me, unit), None)


def transfer_data(payer: bytes, payee: bytes, amount: dict[str, Any]) -> dict[str, Any]:
    """Return what a payment, or a promise of one, says of who pays how much."""
    sides = {"provider": bytes(payer), "receiver": bytes(payee)}
    return {"action": credit.ACTION, **sides, "resourceQuantity": amount}


def promise_of(view: LedgerView, text: str) -> tuple[RecordId, RecordId | None]:
    """Return the promise that a text names by its id, or that of its deal, and a deal to agree to.

    The deal is None where the promise is in force already. Raises UnknownId, AmbiguousId.
    """
    try:
        promise = view.id_among(text, COMMITMENT)
    except UnknownId:
        deal = agreement_row(view.state, view.id_among(text, AGREEMENT))
        assert deal is not None, "it was found"
        owed = [id for id, row in clause_rows(view.state, deal) if row.provider == view.me]
        if len(owed) != 1:
            raise
        promise = RecordId(owed[0])
    begins = OPEN_DEAL + view.me
    for key, _ in view.state.items(begins):
        asked = agreement_row(view.state, key[len(begins) :])
        assert asked is not None, "what is asked is known"
        if promise in asked.clauses:
            said = signed_row(view.state, key[len(begins) :], view.me)
            return promise, RecordId(key[len(begins) :]) if said is None else None
    return promise, None


def credit_amount(
    view: LedgerView, quantity: str | int | Decimal, unit: str, *, is_promised: bool = False
) -> dict[str, Any]:
    """Return what was typed as a quantity in a unit that has credit.

    is_promised: also in any other, into which nothing converts. Raises UnreadableQuantity, and
    WouldNotCount where the rules have no such credit.
    """
    words, known = view.words, view.kept.rules.credits
    amount: dict[str, Any] = read_quantity(str(quantity), unit, words)
    if not amount["n"]:
        raise UnreadableQuantity(words("0 is nothing: say how much it was"))
    typed = str(amount["unit"])
    if typed in known:
        return amount
    other = next((other for other in units_alike(typed) if other in known), None)
    if other is None and is_promised:
        return amount
    if other is None:
        raise WouldNotCount(_no_credit(typed, sorted(known), words))
    number = converted(amount["n"], amount["scale"], typed, other)
    if number is None:
        n, scale = rounded(amount["n"], amount["scale"], typed, other)
        raise WouldNotCount(not_exact(amount, {"n": n, "scale": scale, "unit": other}, words))
    return {"n": number[0], "scale": number[1], "unit": other}


def _no_credit(unit: str, known: list[str], words: Words) -> str:
    if not known:
        return words("the rules have no balances between members: [credit.UNIT] gives them some")
    names = ", ".join(shown_unit(name, words) for name in known)
    text = words("the rules have no balances in {unit}; they have them in {names}")
    return text.format(unit=shown_unit(unit, words), names=names)
