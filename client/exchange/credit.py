"""Credit: what members have paid each other, and how much more each may pay and receive.

A balance is provisional as far as it stands on what is not sealed: a payment from another device
may come before it. Never decides what counts: the fold does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.contributions.unit_choice import not_exact
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import (
    converted,
    exact,
    read_quantity,
    rounded,
    shown_unit,
    units_alike,
)
from commonweal.client.language.words import N_, Words
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.sharing.shares import MemberBalance, Shares
from commonweal.protocol.errors import UnreadableQuantity, WouldNotCount
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.credit import BalanceRow
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.vocabulary.rule_params import CreditRule

BELOW, LOW, HIGH, ABOVE = "below", "low", "high", "above"
FLAGS = {
    BELOW: N_("below the lowest that the rules allow"),
    LOW: N_("low: time to help somebody"),
    HIGH: N_("high: time to be helped"),
    ABOVE: N_("above the highest that the rules allow"),
}
"""What a balance is beyond a limit of the rules."""


@dataclass(frozen=True, slots=True)
class CreditBalance:
    """The balance of a member with all others in a unit.

    balance: of all that is held; final: at the last seal. lowest, highest: the limits of the rules
    for this member now; None where the rules have no such credit any more. can_pay, can_receive:
    how much more. waits: how much they paid since the last seal. certain: whether what waits stands
    on the final balance alone; else a seal may refuse some of it. flag: a key of FLAGS, or "".
    """

    member: MemberId
    member_name: str
    unit: str
    balance: Decimal
    final: Decimal
    lowest: Decimal | None
    highest: Decimal | None
    can_pay: Decimal
    can_receive: Decimal
    waits: Decimal
    certain: bool
    flag: str
    active: bool


@dataclass(frozen=True, slots=True)
class CreditList:
    """Balances, by unit and name. height: of the last seal.

    former: the sum of the balances of former members by unit; below 0 it is what all others lost.
    """

    height: int
    balances: tuple[CreditBalance, ...]
    former: tuple[tuple[str, Decimal], ...]


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
class MemberAccount(MemberBalance):
    """What a member got, is still owed, has and gave, and their balances with all others."""

    credit: tuple[CreditBalance, ...]


class MemberCredit(Shares):
    """What members pay each other."""

    def account(self, member: str | None = None) -> MemberAccount:
        """Return what a member, else this one, has a share of, has and gave, and their balances.

        Raises UnknownId, AmbiguousId.
        """
        shown = self.balance(member)
        own = tuple(_balances(self.view, shown.member))
        return MemberAccount(**fields_of(shown), credit=own)

    def balances(self, member: str | None = None) -> CreditList:
        """Return the balances of a member, or of all who have one and all members.

        Raises UnknownId, AmbiguousId.
        """
        view = self.view
        owner = view.member(member) if member else None
        listed = tuple(_balances(view, owner))
        gone: dict[str, Decimal] = {}
        for row in listed:
            if not row.active and row.balance:
                gone[row.unit] = gone.get(row.unit, Decimal(0)) + row.balance
        return CreditList(view.kept.cut.height, listed, tuple(sorted(gone.items())))

    def pay(
        self,
        member: str,
        quantity: str | int | Decimal,
        unit: str,
        *,
        note: str | None = None,
    ) -> CreditPayment:
        """Pay a member from this member's balance.

        unit: in which the rules have credit, or one that converts into it exactly. note: can be
        erased later. Raises UnknownId, AmbiguousId, UnreadableQuantity, UnusableText, WouldNotCount
        with the reason.
        """
        view = self.view
        payee = view.member(member)
        amount = credit_amount(view, quantity, unit)
        data: dict[str, Any] = {
            "action": credit.ACTION,
            "provider": bytes(view.me),
            "receiver": bytes(payee),
            "resourceQuantity": amount,
        }
        text = note_body(note, words=self.words)
        written = self._write_one("event", data, (), text)
        name = str(amount["unit"])
        return CreditPayment(
            written.id,
            written.seq,
            payee,
            self.view.name(payee),
            exact(amount["n"], amount["scale"]),
            name,
            next(_balances(self.view, self.view.me, name), None),
        )


def credit_amount(view: LedgerView, quantity: str | int | Decimal, unit: str) -> dict[str, Any]:
    """Return what was typed as a quantity in a unit that has credit.

    Raises UnreadableQuantity, and WouldNotCount where the rules have no such credit.
    """
    words, known = view.words, view.kept.rules.credits
    amount: dict[str, Any] = read_quantity(str(quantity), unit, words)
    if not amount["n"]:
        raise UnreadableQuantity(words("0 is nothing: say how much it was"))
    typed = str(amount["unit"])
    if typed in known:
        return amount
    other = next((other for other in units_alike(typed) if other in known), None)
    if other is None:
        raise WouldNotCount(_no_credit(typed, sorted(known), words))
    number = converted(amount["n"], amount["scale"], typed, other)
    if number is None:
        n, scale = rounded(amount["n"], amount["scale"], typed, other)
        raise WouldNotCount(not_exact(amount, {"n": n, "scale": scale, "unit": other}, words))
    return {"n": number[0], "scale": number[1], "unit": other}


def flag_of(rule: CreditRule | None, row: BalanceRow) -> str:
    """Return what a balance is beyond a limit: a key of FLAGS, or ""."""
    if rule is None:
        return ""
    whole = 10**row.scale
    if row.n < credit.lowest(rule, row):
        return BELOW
    if row.n < rule.soft_floor * whole:
        return LOW
    if row.n > rule.ceiling * whole:
        return ABOVE
    return HIGH if row.n > rule.soft_ceiling * whole else ""


def _no_credit(unit: str, known: list[str], words: Words) -> str:
    if not known:
        return words("the rules have no balances between members: [credit.UNIT] gives them some")
    names = ", ".join(shown_unit(name, words) for name in known)
    text = words("the rules have no balances in {unit}; they have them in {names}")
    return text.format(unit=shown_unit(unit, words), names=names)


def _balances(
    view: LedgerView, owner: bytes | None, only: str | None = None
) -> Iterator[CreditBalance]:
    """Yield balances by unit and name: of `owner`, or of all; in the unit `only`, or in all."""
    rules = view.kept.rules.credits
    everybody = {row.id: row.status for row in membership.members(view.state)}
    active = {member for member, status in everybody.items() if status == "active"}
    waiting = _waiting(view)
    units = sorted({*rules, *credit.units(view.state)}) if only is None else [only]
    for unit in units:
        rule = rules.get(unit)
        held = {member for member, _ in credit.balances(view.state, unit)}
        members = (held | active if rule is not None else held) if owner is None else {owner}
        for member in sorted(members, key=lambda id: (view.name(id), id)):
            if rule is not None or member in held:
                waits = waiting.get((member, unit), Decimal(0))
                yield _balance(view, unit, rule, MemberId(member), waits, member in active)


def _balance(
    view: LedgerView,
    unit: str,
    rule: CreditRule | None,
    member: MemberId,
    waits: Decimal,
    is_active: bool,
) -> CreditBalance:
    now, final = (credit.balance_row(state, unit, member) for state in (view.state, view.final))
    balance, sealed = exact(now.n, now.scale), exact(final.n, final.scale)
    lowest = highest = None
    can_pay = can_receive = Decimal(0)
    is_certain = True
    if rule is not None:
        lowest = exact(credit.lowest(rule, now), now.scale)
        highest = Decimal(rule.ceiling if is_active else 0)
        can_pay = max(Decimal(0), balance - lowest) if is_active else can_pay
        can_receive = max(Decimal(0), highest - balance)
        sealed_lowest = exact(credit.lowest(rule, final), final.scale)
        is_certain = waits <= max(Decimal(0), sealed - sealed_lowest)
    return CreditBalance(
        member=member,
        member_name=view.name(member),
        unit=unit,
        balance=balance,
        final=sealed,
        lowest=lowest,
        highest=highest,
        can_pay=can_pay,
        can_receive=can_receive,
        waits=waits,
        certain=is_certain,
        flag=flag_of(rule, now),
        active=is_active,
    )


def _waiting(view: LedgerView) -> dict[tuple[bytes, str], Decimal]:
    """Return how much each member paid since the last seal, by member and unit."""
    rows = view.kept.layers.rows(
        "SELECT id, provider, unit, quantity_n, quantity_scale FROM event_row"
        " WHERE height IS NULL AND action = ?",
        (credit.ACTION,),
    )
    sums: dict[tuple[bytes, str], Decimal] = {}
    for id, provider, unit, n, scale in rows:
        if credit.is_payment(view.state, id):
            key = (bytes(provider), unit)
            sums[key] = sums.get(key, Decimal(0)) + exact(n, scale)
    return sums
