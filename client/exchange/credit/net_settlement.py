"""Net settlement: debts between members that go round are proposed to be set off.

A debt is a promise in force to pay, of which something is open. Who takes part in a cycle may
propose it as a deal of all in it; nothing is set off before each of them agreed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, wish_of
from commonweal.client.language.quantity import exact
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import AGREED, COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.deals import set_off
from commonweal.protocol.ledger.exchange.deals.agreement_row import OPEN_DEAL, agreement_row
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.members.registry import is_active
from commonweal.protocol.matching.debt_cycles import DEBTS_MAX, DebtCycle, Pair, clear
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class DebtPart:
    """What one member of a cycle owes the next: in all, and how much of it is set off."""

    debtor: MemberId
    debtor_name: str
    creditor: MemberId
    creditor_name: str
    owed: Decimal
    set_off: Decimal


@dataclass(frozen=True, slots=True)
class NetCycle:
    """Debts that go round, from that of this member on. amount: by which each of them is less.

    mine: this member is in it. proposed: the deal that asks for it, when one is asked already.
    too_long: more promises than one deal may set off; nobody can propose it.
    """

    unit: str
    amount: Decimal
    debts: tuple[DebtPart, ...]
    mine: bool
    proposed: RecordId | None
    too_long: bool


@dataclass(frozen=True, slots=True)
class NetSettlement:
    """What can be set off in each unit, and the deals that were written for it.

    owed, left: the sum of debts by unit, before and after. is_most: whether no other way takes off
    more. written: the deals that were proposed by this look.
    """

    cycles: tuple[NetCycle, ...]
    owed: dict[str, Decimal]
    left: dict[str, Decimal]
    is_most: bool
    written: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class _Debts:
    """The debts in one unit, at one scale; promises: by pair, the first to be written first."""

    unit: str
    scale: int
    amounts: dict[Pair, int]
    promises: dict[Pair, list[tuple[bytes, int]]]


class NetSettlements(HomeAccess):
    """What members owe each other, set off."""

    def set_off(self, *, dry_run: bool = False) -> NetSettlement:
        """Propose to set off each cycle of debts that this member is in, and was not proposed yet.

        dry_run: only say what could be set off. Raises WouldNotCount.
        """
        view = self.view
        wishes, cycles, is_most = [], [], True
        owed: dict[str, Decimal] = {}
        left: dict[str, Decimal] = {}
        asked = _asked(view)
        for debts in _debts(view):
            cleared = clear(debts.amounts)
            is_most &= cleared.is_most
            owed[debts.unit] = exact(sum(debts.amounts.values()), debts.scale)
            left[debts.unit] = owed[debts.unit] - exact(cleared.total, debts.scale)
            spent: dict[bytes, int] = {}
            for cycle in cleared.cycles:
                parts = _parts(debts, cycle, spent)
                named = tuple((part[0], part[1]["n"], part[1]["scale"]) for part in parts)
                shown = _shown(view, debts, cycle, asked.get(named), len(parts))
                cycles.append(shown)
                if shown.mine and shown.proposed is None and not shown.too_long:
                    cited = [RecordId(part[0]) for part in parts]
                    wishes.append(wish_of("agreement", {"setsOff": parts}, cited))
        written: tuple[RecordId, ...] = ()
        if wishes and not dry_run:
            written = tuple(made.id for made in self._write(*wishes))
        return NetSettlement(tuple(cycles), owed, left, is_most, written)


def _debts(view: LedgerView) -> Iterator[_Debts]:
    """Yield the debts between members by unit; of very many pairs those that owe the most."""
    rows: dict[str, list[tuple[Pair, bytes, CommitmentRow]]] = {}
    for key, value in view.state.items(COMMITMENT):
        row = CommitmentRow(*value)
        if row.status != AGREED or not set_off.is_payable(row) or not row.open.n:
            continue
        debtor, creditor = (agents.person(view.state, side) for side in row.sides)
        pair = (debtor, creditor)
        if debtor != creditor and all(is_active(view.state, side) for side in pair):
            rows.setdefault(row.quantity[2], []).append((pair, key[len(COMMITMENT) :], row))
    for unit in sorted(rows):
        listed = sorted(rows[unit], key=lambda entry: (entry[2].clock, entry[1]))
        scale = max(row.open.scale for _, _, row in listed)
        amounts: dict[Pair, int] = {}
        promises: dict[Pair, list[tuple[bytes, int]]] = {}
        for pair, id, row in listed:
            n = row.open.n * 10 ** (scale - row.open.scale)
            amounts[pair] = amounts.get(pair, 0) + n
            promises.setdefault(pair, []).append((id, n))
        largest = sorted(amounts, key=lambda pair: (-amounts[pair], pair))[:DEBTS_MAX]
        yield _Debts(unit, scale, {pair: amounts[pair] for pair in sorted(largest)}, promises)


def _parts(debts: _Debts, cycle: DebtCycle, spent: dict[bytes, int]) -> list[list[Any]]:
    """Return what a deal sets off of each promise, the first to be written first.

    spent: how much of promises the cycles before take; it grows by this one.
    """
    parts: list[list[Any]] = []
    for pair in cycle.pairs:
        left = cycle.amount
        for id, n in debts.promises[pair]:
            more = min(left, n - spent.get(id, 0))
            if more:
                quantity = {"n": more, "scale": debts.scale, "unit": debts.unit}
                parts.append([bytes(id), quantity])
                spent[id] = spent.get(id, 0) + more
                left -= more
        assert not left, "no more is set off than is owed"
    return sorted(parts, key=lambda part: part[0])


def _asked(view: LedgerView) -> Mapping[tuple[tuple[bytes, int, int], ...], RecordId]:
    """Return the deals asked of this member, or by them, that set something off: by what."""
    begins = OPEN_DEAL + view.me
    asked: dict[tuple[tuple[bytes, int, int], ...], RecordId] = {}
    for key, _ in view.state.items(begins):
        id = RecordId(key[len(begins) :])
        row = agreement_row(view.state, id)
        assert row is not None, "what is asked is known"
        if row.sets_off and not row.clauses:
            asked[tuple((part[0], part[1], part[2]) for part in row.sets_off)] = id
    return asked


def _shown(
    view: LedgerView, debts: _Debts, cycle: DebtCycle, proposed: RecordId | None, promises: int
) -> NetCycle:
    amount = exact(cycle.amount, debts.scale)
    begins = cycle.members.index(view.me) if view.me in cycle.members else 0
    pairs = cycle.pairs[begins:] + cycle.pairs[:begins]
    return NetCycle(
        unit=debts.unit,
        amount=amount,
        debts=tuple(
            DebtPart(
                MemberId(debtor),
                view.name(debtor),
                MemberId(creditor),
                view.name(creditor),
                exact(debts.amounts[debtor, creditor], debts.scale),
                amount,
            )
            for debtor, creditor in pairs
        ),
        mine=view.me in cycle.members,
        proposed=proposed,
        too_long=promises > set_off.PARTS_MAX,
    )
