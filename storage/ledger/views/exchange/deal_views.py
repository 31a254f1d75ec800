"""The rows behind the SQL views of deals: agreements, what their parties say, and clauses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, PROMISED, CommitmentRow
from commonweal.protocol.ledger.exchange.deals.agreement_row import AGREEMENT, SIGNED, AgreementRow
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.views.column_amounts import fitting
from commonweal.storage.ledger.views.exchange.offer_views import replace_rows

TABLES = ("deal_row", "deal_party_row", "deal_clause_row", "clause_row")
VIEWS = ("deals", "signatures", "clauses")

ID_BYTES = 32


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows that depend on these state keys again."""
    final = LayeredState(layers, FINAL)
    told = (key for key in changed if key[:1] in (AGREEMENT, SIGNED))
    for deal in dict.fromkeys(key[1 : ID_BYTES + 1] for key in told):
        _deal(layers, final, deal)
    clauses = dict.fromkeys(key[1:] for key in changed if key[:1] == COMMITMENT)
    replace_rows(layers, "clause_row", "id", clauses, _clauses(layers, final, clauses))


def _deal(layers: StateDb, final: LayeredState, deal: bytes) -> None:
    """Write an agreement, its parties and the places of its clauses."""
    value = layers.get(AGREEMENT + deal)
    rows: list[tuple[Any, ...]] = []
    parties: list[tuple[Any, ...]] = []
    places: list[tuple[Any, ...]] = []
    if value is not None:
        row = AgreementRow(*value)
        known = (deal, row.member, row.clock, row.status, len(row.parties), row.yes)
        is_final = final.get(AGREEMENT + deal) == value
        rows = [(*known, row.answer_by, row.counters, row.cause, is_final)]
        for party in row.parties:
            signed = layers.get(SIGNED + deal + party)
            say, _record, ended = (None, None, None) if signed is None else signed
            is_final = final.get(SIGNED + deal + party) == signed
            parties.append((deal, party, say, ended, is_final))
        places = [
            (deal, number, clause, clause in row.reciprocal)
            for number, clause in enumerate(row.clauses, 1)
        ]
    replace_rows(layers, "deal_row", "id", [deal], rows)
    replace_rows(layers, "deal_party_row", "deal", [deal], parties)
    replace_rows(layers, "deal_clause_row", "deal", [deal], places)


def _clauses(layers: StateDb, final: LayeredState, ids: Iterable[bytes]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for id in ids:
        value = layers.get(COMMITMENT + id)
        if value is None:
            continue
        row = CommitmentRow(*value)
        spec = None if row.spec is None else layers.get(units_and_specs.SPEC + row.spec)
        name = None if spec is None else units_and_specs.SpecRow(*spec).name
        rows.append(
            (
                *(id, row.member, row.clock, row.action, row.provider, row.receiver),
                *(*row.quantity, *row.met[:2], *_open(row), name, row.resource),
                *(row.begin, row.end, row.due, row.status, final.get(COMMITMENT + id) == value),
            )
        )
    return rows


def _open(row: CommitmentRow) -> tuple[int, int]:
    """Return how much of a promise is open: nothing of one that is not in force."""
    (n,), scale = fitting(row.open[:2])
    return (n if row.status in PROMISED else 0, scale)
