"""Incomes: what came in for pools, and what will once it is attested and sealed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.forecast import Forecast, forecast
from commonweal.client.ledger.rows.contribution_rows import happened
from commonweal.protocol.ledger.claims import pools, settlement
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class IncomeState:
    """What came in. height: since which it is in its pool; None while it is in none.

    amount: as it counts now, or will. attestations_missing: how many more members have to attest
    what is in no pool. when: it happened; None while its record is not here.
    """

    id: RecordId
    pool: str
    amount: Decimal
    unit: str
    payer: bytes
    payer_name: str
    height: int | None
    attestations_missing: int
    disputes: int
    when: PointInTime | None


@dataclass(frozen=True, slots=True)
class IncomeList:
    """Incomes, the last to happen first. total: how many there are, listed or not."""

    total: int
    incomes: tuple[IncomeState, ...]


class Incomes(HomeAccess):
    """What came in for the community."""

    def incomes(self, *, limit: int | None = None) -> IncomeList:
        """Return the incomes of all pools, and what the rules in force will make income."""
        view = self.view
        made = {key[1:]: None for key, _ in view.final.items(pools.INCOME)}
        expected: dict[bytes, Forecast] = {}
        for id in _possible(view):
            if id not in made and settlement.settlement_row(view.state, id) is None:
                rules = (view.kept.rules, view.kept.ruleset)
                will = forecast(view.state, view.community, *rules, id)
                if will is not None and will.pool is not None:
                    expected[id] = will
        rows = [_income(view, id, expected.get(id)) for id in (*made, *expected)]
        rows.sort(key=lambda row: (row.when is not None, row.when, row.id), reverse=True)
        return IncomeList(len(rows), tuple(rows[:limit]))


def _possible(view: LedgerView) -> list[bytes]:
    """Return the contributions of units of pools that the rules gave no value yet."""
    units = sorted({pool.unit for pool in view.kept.ruleset.pools})
    marks = ", ".join("?" * len(units))
    fitting = f"points IS NULL AND (scope IS NOT NULL OR unit IN ({marks}))"
    statement = f"SELECT id FROM event_row WHERE {fitting}"  # noqa: S608
    return [id for (id,) in view.kept.layers.rows(statement, units)]


def _income(view: LedgerView, id: bytes, will: Forecast | None) -> IncomeState:
    row, income = event_row(view.state, id), pools.income_row(view.final, id)
    assert row is not None and row.quantity is not None, "what comes in is an event with a quantity"
    amount, unit = exact(*row.quantity[:2]), row.quantity[2]
    if income is not None:
        amount, unit = exact(income.amount, income.pool.scale), income.pool.unit
    return IncomeState(
        id=RecordId(id),
        pool=income.pool.name if income is not None else (will and will.pool) or "",
        amount=amount,
        unit=unit,
        payer=row.provider,
        payer_name=view.name(row.provider),
        height=None if income is None else income.height,
        attestations_missing=0 if will is None else will.attestations_missing,
        disputes=row.disputes,
        when=happened(view, id),
    )
