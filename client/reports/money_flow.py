"""The flow of money: what came into pools, what their buckets gave, and to members of which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.language.quantity import exact
from commonweal.client.sharing.shares import pool_states
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.claims.pools import PoolId, PoolRow

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

_AMOUNT = 4
"""Where a row of an income in the state has what it counts as now."""


@dataclass(frozen=True, slots=True)
class BucketShare:
    """What a bucket gave a member, or left to the community, corrections included."""

    member: bytes
    member_name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BucketFlow:
    """What a bucket gave: the sum of its shares, the largest first."""

    bucket: str
    given: Decimal
    shares: tuple[BucketShare, ...]


@dataclass(frozen=True, slots=True)
class PoolFlow:
    """The money of a pool: `came` is `held` and what its buckets gave, to the last digit.

    came: incomes as they count now. held: in the pool, not split yet; below nothing where an income
    was corrected whose money had been given. error, waits_for: why it was not split (PoolState).
    """

    pool: str
    unit: str
    came: Decimal
    held: Decimal
    buckets: tuple[BucketFlow, ...]
    error: str | None = None
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MoneyFlow:
    """The money of all pools, as of a height."""

    height: int
    pools: tuple[PoolFlow, ...]


class Payment(NamedTuple):
    """What a line of a split gives or takes, at the scale of its pool."""

    pool: PoolId
    bucket: str
    member: bytes
    amount: int


def money_flow(view: LedgerView) -> MoneyFlow:
    """Return where the money went that seals covered."""
    incomes = ((PoolId(*value[:3]), value[_AMOUNT]) for _, value in view.final.items(pools.INCOME))
    rows = view.kept.layers.each(
        "SELECT pool, unit, scale, bucket, member, amount FROM payout_row ORDER BY key"
    )
    payments = (Payment(PoolId(*row[:3]), *row[3:]) for row in rows)
    states = pool_states(view, view.final)
    flows = pool_flows(pools.pools(view.final), incomes, payments, view.name)
    told = (
        replace(flow, error=states[pool].error, waits_for=states[pool].waits_for)
        for pool, flow in flows.items()
    )
    return MoneyFlow(view.kept.cut.height, tuple(told))


def pool_flows(
    held: Mapping[PoolId, PoolRow],
    incomes: Iterable[tuple[PoolId, int]],
    payments: Iterable[Payment],
    name: Callable[[bytes], str],
) -> dict[PoolId, PoolFlow]:
    """Return the flow of each pool. name: gives that of a member or the community."""
    came: dict[PoolId, int] = {}
    for pool, amount in incomes:
        came[pool] = came.get(pool, 0) + amount
    given: dict[PoolId, dict[str, dict[bytes, int]]] = {}
    for pool, bucket, member, amount in payments:
        shares = given.setdefault(pool, {}).setdefault(bucket, {})
        shares[member] = shares.get(member, 0) + amount
    flows = {}
    for pool in sorted({**held, **came, **given}):
        buckets = tuple(
            _bucket_flow(pool, bucket, shares, name)
            for bucket, shares in given.get(pool, {}).items()
        )
        flows[pool] = PoolFlow(
            pool.name,
            pool.unit,
            exact(came.get(pool, 0), pool.scale),
            exact(held.get(pool, PoolRow()).carried, pool.scale),
            buckets,
        )
    return flows


def _bucket_flow(
    pool: PoolId, bucket: str, shares: Mapping[bytes, int], name: Callable[[bytes], str]
) -> BucketFlow:
    order = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
    return BucketFlow(
        bucket,
        exact(sum(shares.values()), pool.scale),
        tuple(BucketShare(id, name(id), exact(n, pool.scale)) for id, n in order if n),
    )
