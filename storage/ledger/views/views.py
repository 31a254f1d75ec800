"""The rows behind the SQL views: after each fold, rows of changed keys are written again.

The views and their columns are a public interface (docs/sql.md). Amounts and quantities are
integers with a scale. The rows have no free text, since it can be erased, except the names of
members, which are removed with their text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.governance import proposals
from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.state.state import LOCAL
from commonweal.protocol.ledger.things.event_row import EVENT
from commonweal.protocol.rules.split import PayoutLine
from commonweal.storage.ledger.contributions import row_digests
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.views import (
    campaign_views,
    event_views,
    member_views,
    project_views,
    report_views,
)
from commonweal.storage.ledger.views.exchange import (
    booking_views,
    data_views,
    deal_views,
    offer_views,
    promotion_views,
    review_views,
)
from commonweal.storage.records.logs.log_store import Store

TABLES = (
    *("mark", "state", "refused", "touched", "sealed_log", "tree", "member_row"),
    *("attest_row", "proposal_row", "vote_row", "seal_row", "payout_row", "claim_row"),
    "balance_row",
    *("offered_pairs", "offered_path"),
    *row_digests.TABLES,
    *event_views.TABLES,
    *deal_views.TABLES,
    *offer_views.TABLES,
    *booking_views.TABLES,
    *project_views.TABLES,
    *campaign_views.TABLES,
    *data_views.TABLES,
    *report_views.TABLES,
    *promotion_views.TABLES,
    *review_views.TABLES,
)

VIEWS = (
    *("members", "events", "attests", "rules", "votes", "seals", "claims", "payouts"),
    "balances",
    *deal_views.VIEWS,
    *offer_views.VIEWS,
    *booking_views.VIEWS,
    *project_views.VIEWS,
    *campaign_views.VIEWS,
    *data_views.VIEWS,
    *report_views.VIEWS,
    *promotion_views.VIEWS,
    *review_views.VIEWS,
)

ID_BYTES = 32

_OF_CLAIM = (claims.CLAIM, claims.SETTLED)

_WRITTEN = (valuation.WORTH, claims.SETTLED, EVENT)
"""Tables whose rows are written with those of others, or before them."""

_LOCAL_END, _EVENTS_END = LOCAL + b"\xff", EVENT + b"\xff"
"""Behind all local keys, on which no row depends, and behind all keys of events."""

KEYS_AT_ONCE = 5_000
"""Keys of which `write_all` writes the rows in one transaction."""


def refresh(
    layers: StateDb,
    store: Store,
    changed: Sequence[bytes],
    written: Mapping[bytes, Any] = event_views.NOTHING_WRITTEN,
) -> None:
    """Write the rows that depend on these state keys again, and names that came or went.

    written: values of the highest layer that are known, so that they are not read again.
    """
    state = layers.get
    event_views.refresh(layers, changed, written)
    owed = dict.fromkeys(key[1:] for key in changed if key[:1] in _OF_CLAIM)
    _write(layers, "claim_row", owed, lambda id: _claim(state, LayeredState(layers, FINAL), id))
    for table, prefix, row in (
        ("attest_row", attestation.SAID, _attest),
        ("proposal_row", proposals.PROPOSAL, _proposal),
        ("vote_row", proposals.VOTE, _vote),
        ("payout_row", pools.LINE, _payout),
    ):
        keys = [key for key in changed if key[:1] == prefix]
        final = LayeredState(layers, FINAL)
        _write(layers, table, dict.fromkeys(keys), _of_key(state, final, row), 1)
    balances = [key for key in changed if key.startswith(credit.BALANCE)]
    final = LayeredState(layers, FINAL)
    of_key, cut = _of_key(state, final, _balance), len(credit.BALANCE)
    _write(layers, "balance_row", dict.fromkeys(balances), of_key, cut)
    deal_views.refresh(layers, changed)
    offer_views.refresh(layers, changed)
    booking_views.refresh(layers, changed)
    project_views.refresh(layers, changed)
    campaign_views.refresh(layers, changed)
    data_views.refresh(layers, changed)
    report_views.refresh(layers, changed, written)
    promotion_views.refresh(layers, changed)
    review_views.refresh(layers, changed)
    member_views.refresh(layers, store, changed)


def write_all(layers: StateDb, store: Store) -> None:
    """Write the rows that depend on any key of a state that is all final, some keys at a time."""
    event_views.write_all(layers)
    after = _LOCAL_END
    while keys := layers.final_keys(after, KEYS_AT_ONCE):
        with layers.writing():
            refresh(layers, store, [key for key in keys if key[:1] not in _WRITTEN])
            report_views.refresh(layers, [key for key in keys if key[:1] == valuation.WORTH])
        after = _EVENTS_END if keys[-1][:1] == EVENT else keys[-1]


_Get = Callable[[bytes], Any]
_Row = tuple[Any, ...]


def _of_key(
    state: _Get, final: LayeredState, row: Callable[[bytes, Any, bool], _Row]
) -> Callable[[bytes], _Row | None]:
    def of_key(key: bytes) -> _Row | None:
        value = state(key)
        return None if value is None else row(key[1:], value, final.get(key) == value)

    return of_key


def _write(
    layers: StateDb,
    table: str,
    keys: dict[bytes, None],
    row: Callable[[bytes], _Row | None],
    cut: int = 0,
) -> None:
    """Write or delete the rows of `keys`. cut: bytes at the start of a key that the table omits."""
    name = "id" if table in ("proposal_row", "claim_row") else "key"
    put: list[_Row] = []
    gone: list[_Row] = []
    for key in keys:
        values = row(key)
        if values is None:
            gone.append((key[cut:],))
        else:
            put.append(values)
    if put:
        places = ", ".join(f"?{number}" for number in range(1, len(put[0]) + 1))
        layers.change_many(f"INSERT OR REPLACE INTO {table} VALUES ({places})", put)  # noqa: S608
    layers.change_many(f"DELETE FROM {table} WHERE {name} = ?", gone)  # noqa: S608


def _attest(key: bytes, value: Any, final: bool) -> _Row:
    event, member = key[:ID_BYTES], key[-ID_BYTES:]
    corrections = int.from_bytes(key[ID_BYTES:-ID_BYTES])  # none of a claim
    return key, event, member, value, corrections, final


def _proposal(id: bytes, value: Any, final: bool) -> _Row:
    row = proposals.read_row(value)
    return (
        *(id, row.subject, row.member, row.kind, row.status, row.base, row.target),
        *(row.opened_ms, row.deadline_ms, row.electorate, row.needed),
        *(row.yes, row.no, row.abstain, row.block, row.height, final),
    )


def _vote(key: bytes, value: Any, final: bool) -> _Row:
    say, _, clock = value
    return key, key[:ID_BYTES], key[ID_BYTES:], say, clock, final


def _payout(key: bytes, value: Any, final: bool) -> _Row:
    assert final, "only cuts pay"
    unit, scale, ruleset, _, fields = value
    line = PayoutLine(*fields)
    pool, number = key[8:-5].decode(), int.from_bytes(key[-4:])
    return (
        *(key, int.from_bytes(key[:8]), pool, number, line.bucket, line.sort, line.member),
        *(line.amount, scale, unit, ruleset, line.corrects),
    )


def _balance(key: bytes, value: Any, final: bool) -> _Row:
    name = key[len(credit.BALANCE) - 1 :]  # the first byte of the table is left out
    unit, member = name[: -ID_BYTES - 1].decode(), name[-ID_BYTES:]
    return name, unit, member, *value, final


def _claim(state: _Get, final: LayeredState, id: bytes) -> _Row | None:
    value = state(claims.CLAIM + id)
    if value is None:
        return None
    row, paid = claims.claim_row(value), state(claims.SETTLED + id)
    return (
        *(id, row.height, *row.pool, row.member, row.ruleset),
        *(row.earned, row.corrected, row.before, row.amount),
        *claims.PaidSums(*(paid or ())),
        final.get(claims.SETTLED + id) == paid,
    )
