"""What each seal moved between pools and members, as the final state has it, seal by seal.

Amounts are integers at the scale of their pool. One seal is in memory at a time, beside the ids of
incomes and payments.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.ledger.claims import claims, pools, settlement
from commonweal.protocol.ledger.claims.pools import PoolId, SplitRow
from commonweal.protocol.ledger.sharing.valuation import booked_at
from commonweal.protocol.vocabulary.payout_line import CORRECTION

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


class IncomeFlow(NamedTuple):
    """What came into a pool, as it first counted."""

    event: bytes
    pool: PoolId
    amount: int


class PaymentFlow(NamedTuple):
    """What an event pays of a claim of `height`. status: said, confirmed or denied."""

    event: bytes
    claim: bytes
    height: int
    pool: PoolId
    member: bytes
    amount: int
    status: str


@dataclass(slots=True)
class ShareFlow:
    """What a seal gave a member, or left to the community, from a pool, and the claim that follows.

    buckets: by rule, what its splits gave and its corrections gave or took. corrected: how much of
    that corrects incomes of earlier seals. claim: empty without one. owed: of the claim. before,
    after: what the member had too much.
    """

    pool: PoolId
    member: bytes
    buckets: dict[str, int] = field(default_factory=dict)
    corrected: int = 0
    claim: bytes = b""
    owed: int = 0
    before: int = 0

    @property
    def given(self) -> int:
        """What the splits and corrections come to."""
        return sum(self.buckets.values())

    @property
    def after(self) -> int:
        """What the member has too much from now on."""
        return max(0, self.before - self.given)


@dataclass(slots=True)
class SealFlows:
    """What one seal moved. carried: what was left in each pool that it split."""

    height: int
    time_ms: int
    incomes: list[IncomeFlow] = field(default_factory=list)
    shares: dict[tuple[PoolId, bytes], ShareFlow] = field(default_factory=dict)
    payments: list[PaymentFlow] = field(default_factory=list)
    carried: dict[PoolId, int] = field(default_factory=dict)


def seal_flows(view: LedgerView) -> Iterator[SealFlows]:
    """Yield what each seal moved that moved something, by height, and the last seal in any case."""
    reader = _FlowReader(view)
    heights = sorted({*reader.incomes, *reader.payments, *_heights(view), view.kept.cut.height})
    for height in heights:
        if height:
            yield reader.at(height)


def seal_times(view: LedgerView) -> dict[int, int]:
    """Return the time (ms) of each seal that is known here, by height."""
    return dict(view.kept.layers.rows("SELECT height, time_ms FROM seal_row"))


def _heights(view: LedgerView) -> list[int]:
    """Return the heights at which something was paid."""
    return [height for (height,) in view.kept.layers.rows("SELECT DISTINCT height FROM payout_row")]


class _FlowReader:
    def __init__(self, view: LedgerView) -> None:
        self._view = view
        self._times = seal_times(view)
        self._heights = sorted(self._times)
        self.incomes: dict[int, list[bytes]] = {}
        """Incomes by the height since which they are in their pool."""
        self.payments: dict[int, list[bytes]] = {}
        """Events that settle claims, by the height that covers them."""
        for key, value in view.final.items(pools.INCOME):
            self.incomes.setdefault(value[3], []).append(key[1:])
        for key, _ in view.final.items(settlement.SETTLEMENT):
            booked = booked_at(view.final, key[1:])
            assert booked is not None, "what is final is booked"
            self.payments.setdefault(booked[0], []).append(key[1:])

    def at(self, height: int) -> SealFlows:
        """Return what a seal moved. Without its time, that of the next seal that is known."""
        flows = SealFlows(height, self._time(height))
        for event in self.incomes.get(height, ()):
            income = pools.income_row(self._view.final, event)
            assert income is not None, "it is an income"
            flows.incomes.append(IncomeFlow(event, income.pool, income.first))
        self._add_lines(flows)
        self._add_claims(flows)
        for event in self.payments.get(height, ()):
            flows.payments += self._payment(event)
        return flows

    def _time(self, height: int) -> int:
        if height in self._times:
            return self._times[height]
        place = bisect_left(self._heights, height)
        if place == len(self._heights):
            return self._view.kept.cut.time_ms
        return self._times[self._heights[place]]

    def _add_lines(self, flows: SealFlows) -> None:
        place = flows.height.to_bytes(8)
        lines = self._view.kept.layers.each(
            "SELECT pool, unit, scale, bucket, sort, member, amount FROM payout_row"
            " WHERE key >= ? AND key < ? ORDER BY key",
            (place, (flows.height + 1).to_bytes(8)),
        )
        for name, unit, scale, bucket, sort, member, amount in lines:
            pool = PoolId(name, unit, scale)
            share = flows.shares.setdefault((pool, member), ShareFlow(pool, member))
            share.buckets[bucket] = share.buckets.get(bucket, 0) + amount
            share.corrected += amount if sort == CORRECTION else 0
        for pool in dict.fromkeys(share.pool for share in flows.shares.values()):
            split = self._view.final.get(pools.SPLIT + pool.to_bytes() + place)
            if split is not None:
                flows.carried[pool] = SplitRow(*split).carried

    def _add_claims(self, flows: SealFlows) -> None:
        rows = self._view.kept.layers.each(
            "SELECT id, pool, unit, scale, member, owed_back, amount FROM claim_row"
            " WHERE height = ?",
            (flows.height,),
        )
        for id, name, unit, scale, member, before, amount in rows:
            share = flows.shares[PoolId(name, unit, scale), member]
            share.claim, share.before, share.owed = id, before, amount

    def _payment(self, event: bytes) -> Iterator[PaymentFlow]:
        row = settlement.settlement_row(self._view.final, event)
        assert row is not None, "it settles"
        for id, amount in row.parts:
            claim = claims.claim(self._view.final, id)
            assert claim is not None, "what is paid is owed"
            owed = claim.row
            yield PaymentFlow(event, id, owed.height, owed.pool, owed.member, amount, row.status)
