"""The rows behind the SQL views of promotions, referrals of buyers, and commissions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.promotion.commissions import COMMISSION, CommissionRow
from commonweal.protocol.ledger.exchange.promotion.promotions import PROMOTION, PromotionRow
from commonweal.protocol.ledger.exchange.promotion.referrals import REFERRAL, ReferralRow
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.views.column_amounts import fitting

TABLES = ("promotion_row", "referral_row", "commission_row")
VIEWS = ("promotions", "referrals", "commissions")


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows of promotion that depend on these state keys again."""
    final = LayeredState(layers, FINAL)

    def is_final(key: bytes) -> bool:
        return bool(final.get(key) == layers.get(key))

    def promotion(id: bytes) -> tuple[Any, ...] | None:
        value = layers.get(PROMOTION + id)
        if value is None:
            return None
        row = PromotionRow(*value)
        named = (row.member, row.offer, row.code, row.rate, row.window_ms, row.who or None)
        return (id, *named, row.ended, is_final(PROMOTION + id))

    def referral(id: bytes) -> tuple[Any, ...] | None:
        value = layers.get(REFERRAL + id)
        if value is None:
            return None
        row = ReferralRow(*value)
        named = (row.member, row.promotion, row.promoter, row.buyer)
        return (id, *named, row.since_ms, row.until_ms, is_final(REFERRAL + id))

    def commission(id: bytes) -> tuple[Any, ...] | None:
        value, owed = layers.get(COMMISSION + id), layers.get(COMMITMENT + id)
        if value is None:
            return None
        row = CommissionRow(*value)
        promise = None if owed is None else CommitmentRow(*owed)
        amounts: tuple[Any, ...] = (None, None, None, None, None, None)
        if promise is not None:
            n, had, unit = promise.quantity
            (owed_n, open_n), scale = fitting((n, had), promise.open[:2])
            amounts = (promise.provider, promise.receiver, owed_n, open_n, scale, unit)
        both = is_final(COMMISSION + id) and is_final(COMMITMENT + id)
        return (id, row.referral, row.counted is not None, *amounts, both)

    _write(layers, "promotion_row", _ids(changed, PROMOTION), promotion)
    _write(layers, "referral_row", _ids(changed, REFERRAL), referral)
    _write(layers, "commission_row", _ids(changed, COMMISSION, COMMITMENT), commission)


def _ids(changed: Sequence[bytes], *tables: bytes) -> list[bytes]:
    ids = [key[len(table) :] for table in tables for key in changed if key.startswith(table)]
    return [*dict.fromkeys(ids)]


def _write(
    layers: StateDb,
    table: str,
    ids: list[bytes],
    row: Callable[[bytes], tuple[Any, ...] | None],
) -> None:
    layers.change_many(f"DELETE FROM {table} WHERE id = ?", [(id,) for id in ids])  # noqa: S608
    rows = [values for values in map(row, ids) if values is not None]
    if rows:
        places = ", ".join("?" * len(rows[0]))
        layers.change_many(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608
