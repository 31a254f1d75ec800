"""Credit: the balances that members have with each other, in units for which the rules have it.

A payment is a transfer in such a unit, from its author's member to another one, that names no
resource. It moves both balances at once and needs nobody's yes, because it takes from its author.
A payment beyond the floor of the payer or the ceiling of the payee is refused; of a former member
the ceiling is 0, so that others may only pay what they still owe. The balances of a unit always sum
to zero. A correction moves what it changes: one that pays more is held to the limits, one that
takes back is not, as corrections follow the money. Where the rules have no such credit any more,
balances stand still: transfers move nothing, and only a correction that takes back does.
State: 9B balances, 9V payments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from commonweal.protocol.ledger.members.registry import MEMBER, is_active
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.things.quantities import Quantity, total
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import CreditRule

BALANCE, PAYMENT = Table.BALANCE.prefix, Table.PAYMENT.prefix

ACTION = "transfer"


class BalanceRow(NamedTuple):
    """The balance of a member in a unit, in the state: n / 10**scale.

    received: how much others paid them in all, at the same scale; what they paid does not lower it.
    """

    n: int = 0
    scale: int = 0
    received: int = 0

    def at(self, scale: int) -> BalanceRow:
        """Return the same balance at a scale that is not coarser."""
        times = 10 ** (scale - self.scale)
        return BalanceRow(self.n * times, scale, self.received * times)


def balance_row(state: State, unit: str, member: bytes) -> BalanceRow:
    """Return the balance of a member; 0 for who never paid and was never paid."""
    return BalanceRow(*(state.get(_key(unit, member)) or ()))


def balances(state: State, unit: str) -> Iterator[tuple[bytes, BalanceRow]]:
    """Yield (member, balance) of all who have one in a unit, by id."""
    begins = _key(unit, b"")
    for key, value in state.items(begins):
        yield key[len(begins) :], BalanceRow(*value)


def units(state: State) -> list[str]:
    """Return the units in which somebody has a balance, sorted."""
    size = len(BALANCE)
    return sorted({key[size : key.index(b"\0", size)].decode() for key, _ in state.items(BALANCE)})


def lowest(rule: CreditRule, row: BalanceRow) -> int:
    """Return the floor of a balance at its scale: lower by what was received where it grows."""
    times: int = 10**row.scale
    return max(rule.grows_to * times, rule.floor * times - row.received)


def is_payment(state: State, event: bytes) -> bool:
    """Return whether an event moved balances."""
    return state.get(PAYMENT + event) is not None


def pay(state: State, record: Record, context: Context, row: EventRow) -> Verdict:
    """Move two balances by a new event if it is a payment, or return why it cannot."""
    rule = _rule_of(state, record, context, row)
    if rule is None:
        return None
    assert row.quantity is not None and row.receiver is not None, "a transfer has both"
    if row.provider != context.member:
        return Reason.NOT_THE_PAYER
    if row.provider == row.receiver:
        return Reason.PAID_TO_SELF
    if "settles" in record.data:
        return Reason.CREDIT_SETTLES
    if not row.quantity[0]:
        return Reason.NO_QUANTITY
    refused = _move_within(state, rule, row, Quantity(*row.quantity))
    if refused is None:
        state.put(PAYMENT + record.id, True)
    return refused


def correct(
    state: State, context: Context, event: bytes, row: EventRow, change: Quantity | None
) -> Verdict:
    """Move what a correction changes of a payment. row: the event, with its unit and sides."""
    if change is None or not is_payment(state, event):
        return None
    if change.n < 0:
        return _move(state, row, change)
    rule = context.rules.credits.get(change.unit)
    return Reason.NO_CREDIT if rule is None else _move_within(state, rule, row, change)


def _rule_of(state: State, record: Record, context: Context, row: EventRow) -> CreditRule | None:
    """Return the limits that a new event is held to; None where it is no payment."""
    if row.action != ACTION or row.quantity is None:
        return None
    named = row.source, row.target, record.data.get("newInventoriedResource")
    if any(resource is not None for resource in named):
        return None
    sides = (row.provider, row.receiver)
    if any(side is None or state.get(MEMBER + side) is None for side in sides):
        return None
    return context.rules.credits.get(row.quantity[2])


def _move_within(state: State, rule: CreditRule, row: EventRow, quantity: Quantity) -> Verdict:
    """Move a payment that stays within the limits of payer and payee."""
    if quantity.n % 10 ** max(0, quantity.scale - rule.scale):
        return Reason.TOO_MANY_DECIMALS
    refused = _move(state, row, quantity)
    if refused is not None:
        return refused
    assert row.receiver is not None, "a payment has a payee"
    payer = balance_row(state, quantity.unit, row.provider)
    if payer.n < lowest(rule, payer):
        return Reason.BELOW_FLOOR
    payee = balance_row(state, quantity.unit, row.receiver)
    ceiling = rule.ceiling if is_active(state, row.receiver) else 0
    return Reason.ABOVE_CEILING if payee.n > ceiling * 10**payee.scale else None


def _move(state: State, row: EventRow, quantity: Quantity) -> Verdict:
    """Add a quantity, negative to take back, to the payee's balance, and take it from the payer."""
    n, scale = quantity.n, quantity.scale
    while scale and not n % 10:
        n, scale = n // 10, scale - 1
    assert row.receiver is not None, "a payment has a payee"
    for member, sign, received in ((row.provider, -1, 0), (row.receiver, 1, n)):
        was = balance_row(state, quantity.unit, member)
        sums = [
            total(Quantity(now, was.scale, ""), more, scale)
            for now, more in ((was.n, sign * n), (was.received, received))
        ]
        if sums[0] is None or sums[1] is None:
            return Reason.TOO_LARGE
        key = _key(quantity.unit, member)
        if sums[0].n or sums[1].n:
            state.put(key, [*BalanceRow(sums[0].n, sums[0].scale, sums[1].n)])
        else:
            state.delete(key)
    return None


def _key(unit: str, member: bytes) -> bytes:
    return BALANCE + unit.encode() + b"\0" + member
