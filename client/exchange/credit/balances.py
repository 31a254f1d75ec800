"""Balances: what members have with each other, and how much more each may pay and receive.

A balance is provisional as far as it stands on what is not sealed: a payment from another device
may come before it. Never decides what counts: the fold does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import exact
from commonweal.client.language.words import N_
from commonweal.client.sharing.shares import MemberBalance, Shares
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.credit import BalanceRow
from commonweal.protocol.ledger.members import membership

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
    former: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class MemberAccount(MemberBalance):
    """What a member got, is still owed, has and gave, and their balances with all others."""

    credit: tuple[CreditBalance, ...]


PAID_SINCE = (
    "SELECT id, provider, unit, quantity_n, quantity_scale FROM event_row"
    " WHERE height IS NULL AND action = ?"
)
"""The events of an action that no seal covers; an index has these alone."""


class MemberBalances(Shares):
    """What members have with each other."""

    def account(self, member: str | None = None) -> MemberAccount:
        """Return what a member, else this one, has a share of, has and gave, and their balances.

        Raises UnknownId, AmbiguousId.
        """
        shown = self.balance(member)
        own = tuple(balances_of(self.view, shown.member))
        return MemberAccount(**fields_of(shown), credit=own)

    def balances(self, member: str | None = None) -> CreditList:
        """Return the balances of a member, or of all who have one and all members.

        Raises UnknownId, AmbiguousId.
        """
        view = self.view
        owner = view.member(member) if member else None
        listed = tuple(balances_of(view, owner))
        gone: dict[str, Decimal] = {}
        for row in listed:
            if not row.active and row.balance:
                gone[row.unit] = gone.get(row.unit, Decimal(0)) + row.balance
        return CreditList(view.kept.cut.height, listed, gone)


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


def balances_of(
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
    rows = view.kept.layers.rows(PAID_SINCE, (credit.ACTION,))
    sums: dict[tuple[bytes, str], Decimal] = {}
    for id, provider, unit, n, scale in rows:
        if credit.is_payment(view.state, id):
            key = (bytes(provider), unit)
            sums[key] = sums.get(key, Decimal(0)) + exact(n, scale)
    return sums
