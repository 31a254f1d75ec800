"""The split of a pool: who gets how much of it, and why.

Integers only. The lines and what is carried to the next height sum to what was there; no part is
negative; the order of the input has no influence. Largest remainder (Hamilton); ties are broken by
a hash over the previous cut, the height, the pool and the member. Nothing here reads state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import RuleOverflow
from commonweal.protocol.rules.document import Bucket, Pool
from commonweal.protocol.rules.expression import (
    FUEL_MAX,
    CheckedExpression,
    FuelBudget,
    Value,
    evaluate,
)
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.portions import divide
from commonweal.protocol.rules.split.inputs import (
    NEEDS_ATTEST,
    Contribution,
    Income,
    PastSplit,
    SplitInputs,
)
from commonweal.protocol.rules.split.parts import (
    owed_points,
    shown_units,
    taking_part,
    units,
    whole_points,
)
from commonweal.protocol.rules.split.payout import Split
from commonweal.protocol.rules.split.weights import (
    WeightedContribution,
    balanced,
    equal,
    halved,
    owed,
    proportional,
    recent,
)
from commonweal.protocol.vocabulary.payout_line import GIVEN, USED, PayoutLine

AMOUNT_MAX = codec.INT_MAX
"""Largest amount in a pool, in minor units."""

POINTS_DECIMALS = {"thousandths": 3, "whole": 0}
"""Decimals of the points of a debt, by `points_in`; "smallest": those of the pool."""

FUEL_PER_SPLIT_MAX, FUEL_PER_CONTRIBUTION_MAX = 1_000_000, 200
"""Fuel for all conditions of buckets: per split, and in addition per contribution."""


def split(pool: Pool, facts: SplitInputs) -> Split:
    """Return the payout lines of a pool and the amount carried to the next height.

    Raises `RuleOverflow` when the pool has more than `AMOUNT_MAX`, and the errors of `evaluate`
    for the conditions of its buckets.
    """
    total = facts.carried + sum(income.amount for income in facts.incomes)
    if total > AMOUNT_MAX:
        sentence = f"the pool {pool.name!r} holds more than {AMOUNT_MAX:,}"
        raise RuleOverflow(sentence, "count in a larger unit", Position(1, 1))
    work = _Work(pool, facts)
    left = total
    for bucket in pool.buckets:
        if bucket.of == "whole":
            left -= work.give(bucket, bucket.share.of(total))
    for bucket in pool.buckets:
        if bucket.of == "remainder":
            left -= work.give(bucket, bucket.share.of(left))
    lines = tuple(line for line in work.lines if line.amount or line.commissions)
    assert left >= 0, "no bucket gives more than it has"
    assert sum(line.amount for line in lines) + left == total, "what is split stays the same"
    return Split(pool.name, facts.height, total, lines, left, work.taken, work.past, work.parts)


class _Work:
    """The computation of one split."""

    def __init__(self, pool: Pool, facts: SplitInputs) -> None:
        self.pool, self.facts = pool, facts
        self.lines: list[PayoutLine] = []
        self.taken: dict[tuple[str, bytes], int] = dict(facts.taken)
        self.past: dict[tuple[str, int], PastSplit] = {}
        self.parts: dict[tuple[str, bytes, bytes], int] = {}
        self.contributions = sorted(facts.contributions, key=lambda contribution: contribution.id)
        more = FUEL_PER_CONTRIBUTION_MAX * len(self.contributions)
        self.shared_fuel = FuelBudget(FUEL_PER_SPLIT_MAX + more)

    def give(self, bucket: Bucket, amount: int) -> int:
        """Distribute `amount` by a bucket; return how much of it was paid."""
        if not amount:
            return 0
        first = len(self.lines)
        match bucket.to:
            case "community":
                member = self.facts.community
                self.lines.append(
                    PayoutLine(bucket.name, "community", member, amount, amount, 1, 1)
                )
            case "role":
                holders = sorted(dict.fromkeys(self.facts.holders.get(bucket.role, ())))
                if holders:
                    parts = divide(amount, [1] * len(holders), self.ties(holders))
                    for holder, part in zip(holders, parts, strict=True):
                        line = PayoutLine(
                            bucket.name, "role", holder, part, amount, 1, len(holders)
                        )
                        self.lines.append(line)
            case "round":
                self._receivers(bucket, amount, GIVEN)
            case "data":
                self._receivers(bucket, amount, USED)
            case _:
                self._contributors(bucket, amount)
        return sum(line.amount for line in self.lines[first:])

    def ties(self, members: Iterable[bytes]) -> list[bytes]:
        """Return tie-breakers for equal remainders, unpredictable before the previous cut."""
        facts = self.facts
        return [
            keys.hash32(keys.TIE, codec.encode([facts.seed, facts.height, self.pool.name, member]))
            for member in members
        ]

    def _receivers(self, bucket: Bucket, amount: int, sort: str) -> None:
        """Divide by the points that members received in a round, or by uses of their data."""
        received = sorted(self.facts.points.get(bucket.name, {}).items())
        if not received:
            return
        weights = [points.points for _, points in received]
        parts = divide(amount, weights, self.ties(member for member, _ in received))
        for (member, points), part in zip(received, parts, strict=True):
            fields = (bucket.name, sort, member, part, amount, points.points, sum(weights))
            self.lines.append(PayoutLine(*fields, inputs=points.records))

    def _contributors(self, bucket: Bucket, amount: int) -> None:
        matching = [
            contribution
            for contribution in self.contributions
            if self._matches(bucket, contribution)
        ]
        if bucket.claim == "debt":
            matching = [
                replace(contribution, points=self._owed_amount(bucket, contribution.points))
                for contribution in matching
            ]
        fresh = [
            contribution for contribution in matching if self._takes_part(bucket, contribution)
        ]
        late = [contribution for contribution in fresh if self._is_late(contribution)]
        given: list[PayoutLine] = []
        if self.pool.late == "catch_up" and bucket.claim != "debt":
            given = list(self._arrears(bucket, amount, late))
            amount -= sum(line.amount for line in given)
            if bucket.claim == "once":
                caught_up = {id for line in given for id in line.inputs}
                fresh = [contribution for contribution in fresh if contribution.id not in caught_up]
        by_id = {contribution.id: contribution for contribution in fresh}
        for income, part in self._traced(bucket, amount):
            sharing_in = fresh
            if income.upstream is not None:
                sharing_in = [by_id[id] for id in sorted(income.upstream.keys() & by_id.keys())]
            given += self._shared(bucket, part, sharing_in, matching, income)
        points = sum(contribution.points for contribution in fresh)
        if given and points and not bucket.trace:
            height = self.facts.height
            self.past[bucket.name, height] = PastSplit(height, amount, points)
        for line in given:
            self._commission(line)

    def _matches(self, bucket: Bucket, contribution: Contribution) -> bool:
        event = contribution.event
        if bucket.actions and event["action"] not in bucket.actions:
            return False
        for wanted, key in (
            (bucket.factor, "factor"),
            (bucket.scope, "scope"),
            (bucket.specification, "specification"),
        ):
            if wanted and event[key] != wanted:
                return False
        if bucket.within_ms and self.facts.time_ms - contribution.since_ms > bucket.within_ms:
            return False
        if bucket.role and contribution.member not in self.facts.holders.get(bucket.role, ()):
            return False
        if self.pool.late == NEEDS_ATTEST:
            is_older = contribution.valued[1] - contribution.booked[1] > self.pool.late_ms
            if is_older and contribution.yes < self.pool.late_attestations:
                return False
        return contribution.points > 0 and (
            bucket.where is None or self._is_met(bucket.where, event)
        )

    def _owed_amount(self, bucket: Bucket, points: int) -> int:
        """Return the points of a debt in minor units, rounded down; at most AMOUNT_MAX."""
        decimals = POINTS_DECIMALS.get(bucket.points_in, self.pool.scale)
        return min(int(points * 10**self.pool.scale // 10**decimals), AMOUNT_MAX)

    def _is_met(self, where: CheckedExpression, event: Mapping[str, Value]) -> bool:
        fuel = min(FUEL_MAX, max(0, self.shared_fuel.left))
        return bool(evaluate(where, {"event": dict(event)}, fuel, self.shared_fuel))

    def _takes_part(self, bucket: Bucket, contribution: Contribution) -> bool:
        got = self.taken.get((bucket.name, contribution.id))
        match bucket.claim:
            case "once":
                is_divided = bucket.trace and (bucket.name, contribution.id) in self.facts.parts
                return got is None or is_divided
            case "debt":
                return (got or 0) < contribution.points
            case _:
                return True

    def _is_late(self, contribution: Contribution) -> bool:
        return contribution.booked[0] < contribution.valued[0]

    def _arrears(
        self, bucket: Bucket, amount: int, late: list[Contribution]
    ) -> Iterator[PayoutLine]:
        """Yield what late contributions would have got at the heights that they missed.

        Late contributions share with each other too, and with those for which arrears were paid
        before: recording one thing as ten, or having them attested one by one, gains nothing.
        """
        arrears: dict[bytes, int] = {}
        missing = [
            contribution
            for contribution in late
            if (bucket.name, contribution.id) not in self.taken
        ]
        missed = {
            past: [
                contribution
                for contribution in missing
                if contribution.booked[0] <= past.height < contribution.valued[0]
            ]
            for past in self.facts.past.get(bucket.name, ())
        }
        for past, missed_by in missed.items():
            points = past.points + sum(contribution.points for contribution in missed_by)
            for contribution in missed_by:
                arrears[contribution.id] = (
                    arrears.get(contribution.id, 0) + past.amount * contribution.points // points
                )
        arrears = {id: amount for id, amount in arrears.items() if amount}
        if not arrears:
            return
        for past, missed_by in missed.items():
            points = past.points + sum(
                contribution.points for contribution in missed_by if contribution.id in arrears
            )
            self.past[bucket.name, past.height] = past._replace(points=points)
        due = min(amount, sum(arrears.values()))
        parts = divide(due, list(arrears.values()), self.ties(arrears))
        by_id = {contribution.id: contribution for contribution in late}
        for (id, weight), part in zip(arrears.items(), parts, strict=True):
            total = sum(arrears.values())
            member = by_id[id].member
            yield PayoutLine(bucket.name, "arrears", member, part, due, weight, total, (id,))
            self._take(bucket, id, part)

    def _traced(self, bucket: Bucket, amount: int) -> Iterator[tuple[Income, int]]:
        """Yield each income with its part of the bucket; one part when it does not trace."""
        if not bucket.trace:
            yield Income(b"", amount), amount
            return
        traced = [income for income in self.facts.incomes if income.upstream is not None]
        # Income of unknown origin and carried amounts are shared by all.
        rest = sum(income.amount for income in self.facts.incomes if income.upstream is None)
        rest = max(0, rest + self.facts.carried)
        incomes = [Income(b"", rest), *sorted(traced, key=lambda income: income.id)]
        parts = divide(
            amount, [income.amount for income in incomes], [income.id for income in incomes]
        )
        yield from zip(incomes, parts, strict=True)

    def _shared(
        self,
        bucket: Bucket,
        amount: int,
        fresh: list[Contribution],
        matching: list[Contribution],
        income: Income,
    ) -> Iterator[PayoutLine]:
        """Yield the shares of the members who take part in what came of an income."""
        used = {
            share.id: taking_part(bucket, income, share.id, self.facts.parts) for share in fresh
        }
        got = {
            contribution.id: self.taken.get((bucket.name, contribution.id), 0)
            for contribution in fresh
        }
        if bucket.claim == "debt":
            shares = owed_points(zip(fresh, used.values(), strict=True), got)
            weights = owed(shares, got)
            amount = min(amount, sum(weights.values()))
        else:
            shares = whole_points(zip(fresh, used.values(), strict=True))
            weights = self._weights(bucket, amount, shares, matching)
        members = sorted(member for member, weight in weights.items() if weight)
        if not members or not amount:
            return
        parts = divide(amount, [weights[member] for member in members], self.ties(members))
        total = sum(weights.values())
        by_member: dict[bytes, list[WeightedContribution]] = {}
        for share in shares:
            by_member.setdefault(share.member, []).append(share)
        for member, part in zip(members, parts, strict=True):
            own = by_member[member]
            inputs = tuple(share.id for share in own)
            weight = weights[member]
            line = PayoutLine(bucket.name, "share", member, part, amount, weight, total, inputs)
            shown = shown_units([used[id] for id in inputs])
            yield line._replace(income=income.id if income.upstream else b"", parts=shown)
            if bucket.claim == "debt":
                rest = [share.points - got[share.id] for share in own]
                for share, more in zip(
                    own, divide(part, rest, [share.id for share in own]), strict=True
                ):
                    self._take(bucket, share.id, more)
            elif part:
                # A contribution whose member got nothing, for lack of money, is still unpaid.
                for id in inputs:
                    self._take(bucket, id, 0)
                    if bucket.trace and bucket.claim == "once":
                        self.parts[bucket.name, id, income.source] = units(used[id])

    def _weights(
        self,
        bucket: Bucket,
        amount: int,
        shares: list[WeightedContribution],
        matching: list[Contribution],
    ) -> dict[bytes, int]:
        """Return the weight of each member who takes part, by the bucket's way to divide."""
        match bucket.divide:
            case "recent":
                return recent(shares, self.facts.time_ms, bucket.recent_ms)
            case "half_life":
                return halved(shares, self.facts.time_ms, bucket.half_life_ms)
            case "equal":
                return equal(shares)
            case "balanced":
                paid = {
                    share.member: self.facts.paid.get((bucket.name, share.member), 0)
                    for share in shares
                }
                of_all = proportional(
                    [
                        WeightedContribution(
                            contribution.id, contribution.member, contribution.points, 0
                        )
                        for contribution in matching
                    ]
                )
                return balanced(amount, {member: of_all[member] for member in paid}, paid)
            case _:
                return proportional(shares)

    def _take(self, bucket: Bucket, id: bytes, more: int) -> None:
        key = (bucket.name, id)
        self.taken[key] = self.taken.get(key, 0) + more

    def _commission(self, line: PayoutLine) -> None:
        """Add a line, and the commissions from it for the members who referred its member."""
        below, chain = line.member, {line.member}
        lines: list[PayoutLine] = []
        for portion in self.pool.commission:
            referral = self.facts.referrals.get(below)
            if referral is None or referral.referrer in chain:
                break
            is_recent = self.facts.time_ms - referral.time_ms <= self.pool.commission_ms
            below = referral.referrer
            chain.add(below)
            role = self.pool.commission_role
            serves = not role or below in self.facts.holders.get(role, ())
            part = portion.of(line.amount) if is_recent and serves else 0
            if part:
                due = (part, line.amount, portion.above, portion.below)
                of = (line.inputs, line.member, line.income)
                lines.append(
                    PayoutLine(line.bucket, "commission", below, *due, *of, parts=line.parts)
                )
        off = sum(line.amount for line in lines)
        self.lines.append(line._replace(amount=line.amount - off, commissions=off))
        self.lines += lines
