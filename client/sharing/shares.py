"""Shares: what each member was paid by the rules, what they have and gave, and why.

What is paid follows from the cuts alone, so it is final and the same on every node. What a
seal of all that is held would pay now is computed only on request, and marked as provisional.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from commonweal.client.access import HomeAccess
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import exact, shown_action
from commonweal.client.ledger.rows.contribution_rows import ResourceState, resource_state
from commonweal.client.sharing.seals import sealed_now
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.claims.pools import Payout, PoolId
    from commonweal.protocol.rules.document import RulesetId


@dataclass(frozen=True, slots=True)
class Share:
    """What a member got in all, in one unit, by how many lines."""

    member: MemberId
    member_name: str
    unit: str
    amount: Decimal
    lines: int


@dataclass(frozen=True, slots=True)
class ShareLine:
    """One line of a split: `weight` of `weights` parts of `of` units, less `commissions`.

    line: its name, for `explain`. bucket: the rule that paid it. source: whose share a commission
    is on. income: what was split. inputs: contributions that it is for, the first few. corrects:
    the height whose split it corrects.
    """

    line: str
    height: int
    pool: str
    bucket: str
    sort: str
    member: MemberId
    member_name: str
    amount: Decimal
    unit: str
    of: Decimal
    weight: int
    weights: int
    commissions: Decimal
    source: bytes | None
    income: bytes | None
    inputs: tuple[RecordId, ...]
    ruleset: RulesetId
    corrects: int | None


@dataclass(frozen=True, slots=True)
class PoolState:
    """What is in a pool and not split yet. error: why its rule failed, if it did.

    waits_for: the giving rounds of which somebody must have points before it is split.
    """

    pool: str
    unit: str
    amount: Decimal
    error: str | None
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShareList:
    """All shares up to a height, as sums and as lines, and the pools.

    provisional: whether it is what a seal of all that is held would give, not what one gave.
    """

    height: int
    provisional: bool
    ruleset: RulesetId
    pools: tuple[PoolState, ...]
    shares: tuple[Share, ...]
    lines: tuple[ShareLine, ...]


@dataclass(frozen=True, slots=True)
class UnitAmount:
    """An amount of a unit."""

    unit: str
    amount: Decimal
    name: None = None


@dataclass(frozen=True, slots=True)
class OwnedResource(ResourceState):
    """A resource of a member, and how much of it is theirs in the books."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class GivenAmount:
    """What a member gave by an action, in one unit; sealed: how much of it is in seals."""

    name: str
    action: str
    unit: str
    amount: Decimal
    sealed: Decimal


@dataclass(frozen=True, slots=True)
class MemberBalance:
    """What a member got, is still owed, has, and gave.

    paid: shares, final. open: what of them is not settled; payments count that are not sealed.
    """

    member: MemberId
    member_name: str
    height: int
    paid: tuple[UnitAmount, ...]
    open: tuple[UnitAmount, ...]
    resources: tuple[OwnedResource, ...]
    given: tuple[GivenAmount, ...]


class Shares(HomeAccess):
    """What members have a share of."""

    def shares(self, *, height: int | None = None, if_sealed: bool = False) -> ShareList:
        """Return each share by the rules, and the pools.

        height: only what this height gave. if_sealed: what each would get if all that is held
        were sealed now.
        """
        view = self.view if if_sealed else self.sealed
        state, top = sealed_now(view) if if_sealed else (view.final, view.kept.cut.height)
        paid = list(payouts(state, height))
        return ShareList(
            height=top,
            provisional=if_sealed,
            ruleset=view.kept.ruleset.id,
            pools=tuple(pool_states(view, state).values()),
            shares=tuple(_sums(view, (payout for _name, payout in paid))),
            lines=tuple(share_line(view, name, payout) for name, payout in paid),
        )

    def share_lines(
        self, pool: str, *, bucket: str | None = None, member: str | None = None
    ) -> tuple[ShareLine, ...]:
        """Return the lines that a pool gave, the last first; those of a bucket, to a member.

        member: by name or id, or the community by its id. Raises UnknownId, AmbiguousId.
        """
        view = self.sealed
        owner: bytes | None = None
        if member is not None:
            own = member == view.community.hex()
            owner = view.community if own else view.member(member)
        fitting = [
            share_line(view, name, payout)
            for name, payout in payouts(view.final)
            if payout.pool == pool
            and bucket in (None, payout.line.bucket)
            and owner in (None, payout.line.member)
        ]
        return tuple(reversed(fitting))

    def balance(self, member: str | None = None) -> MemberBalance:
        """Return what a member, else this one, has a share of, is owed, has and gave."""
        from commonweal.protocol.ledger.claims import pools

        view = self.view
        owner = view.member(member) if member else view.me
        paid = tuple(
            UnitAmount(unit, exact(n, scale))
            for (paid_to, unit, scale), n in pools.shares(view.final).items()
            if paid_to == owner
        )
        return MemberBalance(
            member=owner,
            member_name=view.name(owner),
            height=view.kept.cut.height,
            paid=paid,
            open=tuple(_owed(view, owner)),
            resources=tuple(_owned(view, owner)),
            given=tuple(_given(view, owner)),
        )


def pool_states(view: LedgerView, state: State) -> dict[PoolId, PoolState]:
    """Return what is in each pool and not split yet, by the pool."""
    from commonweal.protocol.ledger.claims import pools

    waits = _waits_for(view, state)
    return {
        pool: PoolState(
            pool.name,
            pool.unit,
            exact(row.carried, pool.scale),
            row.error,
            waits.get(pool, ()) if row.carried else (),
        )
        for pool, row in sorted(pools.pools(state).items())
    }


def _waits_for(view: LedgerView, state: State) -> dict[PoolId, tuple[str, ...]]:
    """Return the rounds for whose points pools wait, by pool."""
    from commonweal.protocol.ledger.claims.pools import pool_id
    from commonweal.protocol.ledger.governance import giving_rounds

    return {
        pool_id(pool): tuple(bucket.round for bucket in pool.buckets if bucket.round)
        for pool in view.kept.ruleset.pools
        if giving_rounds.is_waiting(state, pool)
    }


def payouts(state: State, height: int | None = None) -> Iterable[tuple[str, Payout]]:
    """Yield every line that was paid with its name, in the order of payment."""
    from commonweal.protocol.ledger.claims.pools import lines, payout_name

    for place, payout in lines(state, b"" if height is None else height.to_bytes(8)):
        yield payout_name(place), payout


def share_line(view: LedgerView, name: str, payout: Payout) -> ShareLine:
    """Return a line as it was paid; amounts in its unit."""
    line, scale = payout.line, payout.scale
    return ShareLine(
        line=name,
        height=payout.height,
        pool=payout.pool,
        bucket=line.bucket,
        sort=line.sort,
        member=MemberId(line.member),
        member_name=view.name(line.member),
        amount=exact(line.amount, scale),
        unit=payout.unit,
        of=exact(line.of, scale),
        weight=line.weight,
        weights=line.weights,
        commissions=exact(line.commissions, scale),
        source=line.source or None,
        income=line.income or None,
        inputs=tuple(map(RecordId, line.inputs)),
        ruleset=cast("RulesetId", payout.ruleset),
        corrects=line.corrects or None,
    )


def _sums(view: LedgerView, paid: Iterable[Payout]) -> Iterable[Share]:
    sums: dict[tuple[bytes, str, int], list[int]] = {}
    for payout in paid:
        both = sums.setdefault((payout.line.member, payout.unit, payout.scale), [0, 0])
        both[0] += payout.line.amount
        both[1] += 1
    order = sorted(sums.items(), key=lambda row: (row[0][1:], -row[1][0], row[0][0]))
    for (member, unit, scale), (n, count) in order:
        yield Share(MemberId(member), view.name(member), unit, exact(n, scale), count)


def _owed(view: LedgerView, owner: bytes) -> Iterable[UnitAmount]:
    """Yield what is open of a member's claims, by unit."""
    from commonweal.protocol.ledger.claims.claims import claims

    sums: dict[tuple[str, int], int] = {}
    for claim in claims(view.state, member=owner):
        key = (claim.row.pool.unit, claim.row.pool.scale)
        sums[key] = sums.get(key, 0) + claim.open
    for (unit, scale), n in sorted(sums.items()):
        if n:
            yield UnitAmount(unit, exact(n, scale))


def _owned(view: LedgerView, owner: bytes) -> Iterable[OwnedResource]:
    for key, value in view.state.items(RESOURCE):
        row = ResourceRow(*value)
        if row.accountable == owner:
            resource = resource_state(view, key[1:], row)
            yield OwnedResource(**fields_of(resource), amount=resource.accounting)


def _given(view: LedgerView, owner: bytes) -> Iterable[GivenAmount]:
    """Yield the sums of what a member gave, by action and unit; all that counts, and sealed."""
    sums: dict[tuple[str, str], list[Fraction]] = {}
    scales: dict[tuple[str, str], int] = {}
    for action, unit, scale, is_sealed, high, low in view.kept.layers.rows(_GIVEN, (owner,)):
        key = (action, unit)
        both = sums.setdefault(key, [Fraction(0), Fraction(0)])
        more = Fraction((high << 32) + low, 10**scale)
        both[0] += more
        both[1] += more if is_sealed else 0
        scales[key] = max(scale, scales.get(key, 0))
    for (action, unit), both in sorted(sums.items()):
        scale = scales[action, unit]
        amount, sealed = (exact(int(part * 10**scale), scale) for part in both)
        yield GivenAmount(shown_action(action, view.words), action, unit, amount, sealed)


_GIVEN = """
    SELECT action, unit, scale, is_sealed, high, low FROM given_sum
    WHERE provider = (SELECT number FROM agent WHERE id = ?) AND events > 0
"""
