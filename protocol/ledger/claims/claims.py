"""Claims: what the community owes a member, one for each height and pool that paid them something.

What a cut gives a member from a pool (shares, and corrections of earlier ones), less what they were
overpaid before: if positive, it is their claim on the community; if negative, it waits and is
deducted from their next claim. A claim never changes. What settles it is in `settlement`. State: 9t
what members were overpaid, 5 claims, 6 how much of a claim was paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, NewType

from commonweal.protocol import codec, keys
from commonweal.protocol.codec import INT_MIN
from commonweal.protocol.ledger.claims.pools import MemberSums, PoolId, clamped
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import CommunityId

TOO_MUCH = Table.TOO_MUCH.prefix
CLAIM, SETTLED = Table.CLAIM.prefix, Table.SETTLED.prefix

ClaimId = NewType("ClaimId", bytes)
"""The hash of a claim's contents; `settles` of an event names it."""


class ClaimRow(NamedTuple):
    """A claim in the state; amounts in units at the pool's scale.

    amount = earned + corrected - before, or 0 where that is negative. earned: the sum of the lines
    of splits. corrected: of corrections, as far as 64 bits hold it. before: what the member was
    overpaid until then.
    """

    height: int
    pool: PoolId
    member: bytes
    ruleset: bytes
    earned: int
    corrected: int
    before: int
    amount: int


class PaidSums(NamedTuple):
    """How much of a claim is reported as paid, and how much of that the claimant confirms."""

    said: int = 0
    confirmed: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, and what was paid on it according to the same state."""

    id: ClaimId
    row: ClaimRow
    paid: PaidSums

    @property
    def settled(self) -> int:
        """How much of it is settled: paid, and confirmed by the claimant."""
        return min(self.row.amount, self.paid.confirmed)

    @property
    def said(self) -> int:
        """How much is reported as paid and not confirmed."""
        return self.paid.said - self.paid.confirmed

    @property
    def open(self) -> int:
        """How much is not settled."""
        return self.row.amount - self.settled

    @property
    def over(self) -> int:
        """How much more than is owed was paid and confirmed."""
        return self.paid.confirmed - self.settled

    @property
    def status(self) -> str:
        """Return "open", "partly", "settled", or "nothing" where nothing is owed."""
        if not self.row.amount:
            return "nothing"
        if not self.open:
            return "settled"
        return "partly" if self.settled else "open"


def create_claims(
    state: State,
    height: int,
    ruleset: bytes,
    community: CommunityId,
    sums: Mapping[tuple[PoolId, bytes], MemberSums],
) -> None:
    """Write the claims that follow from what a cut gives. The community has none on itself."""
    for (pool, member), (earned, corrected) in sorted(sums.items()):
        if member == community:
            continue
        before = overpaid(state, pool, member)
        net = earned + corrected - before
        left = clamped(-net)
        if left:
            state.put(_overpaid_key(pool, member), left)
        elif before:
            state.delete(_overpaid_key(pool, member))
        kept = clamped(corrected, INT_MIN)
        row = ClaimRow(height, pool, member, ruleset, earned, kept, before, max(0, net))
        state.put(CLAIM + name(community, row), [*row[:1], *pool, *row[2:]])


def name(community: CommunityId, row: ClaimRow) -> ClaimId:
    """Return the id of a claim: the hash of its contents."""
    fields: list[codec.Value] = [bytes(community), row.height, *row.pool, row.member, row.amount]
    return ClaimId(keys.hash32(keys.CLAIM, codec.encode(fields)))


def claim(state: State, id: bytes) -> Claim | None:
    """Return a claim by its id; None when there is none."""
    value = state.get(CLAIM + id)
    if value is None:
        return None
    return Claim(ClaimId(id), claim_row(value), PaidSums(*(state.get(SETTLED + id) or ())))


def claims(state: State, height: int | None = None, member: bytes | None = None) -> list[Claim]:
    """Return all claims, or those of a height or a member, in the order in which they arose."""
    matching: list[Claim] = []
    for key, value in state.items(CLAIM):
        row = claim_row(value)
        if height in (None, row.height) and member in (None, row.member):
            matching.append(
                Claim(ClaimId(key[1:]), row, PaidSums(*(state.get(SETTLED + key[1:]) or ())))
            )
    return sorted(matching, key=lambda claim: claim.row[:3])


def overpaid(state: State, pool: PoolId, member: bytes) -> int:
    """Return what a member was overpaid from a pool; their next claim is reduced by it."""
    return state.get(_overpaid_key(pool, member)) or 0


def all_overpaid(state: State) -> dict[tuple[PoolId, bytes], int]:
    """Return what members were overpaid, by pool and member."""
    amounts: dict[tuple[PoolId, bytes], int] = {}
    for key, amount in state.items(TOO_MUCH):
        name, unit, scale, _ = key[len(TOO_MUCH) : -_MEMBER_BYTES].split(b"\0")
        pool = PoolId(name.decode(), unit.decode(), int(scale))
        amounts[pool, key[-_MEMBER_BYTES:]] = amount
    return amounts


_MEMBER_BYTES = 32


def claim_row(value: list[object]) -> ClaimRow:
    """Return a claim's row from its value in the state."""
    return ClaimRow(value[0], PoolId(*value[1:4]), *value[4:])  # type: ignore[arg-type]


def _overpaid_key(pool: PoolId, member: bytes) -> bytes:
    return TOO_MUCH + pool.to_bytes() + member
