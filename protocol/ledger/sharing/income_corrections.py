"""Corrections of income that was split: the difference is written at the height that covers them.

No sealed number changes. What an income is more or less than was split follows the money: to those
who received it, in proportion to what they received, and with what stayed in the pool on to the
pool's later splits. What nobody can give back, and what would exceed a debt, goes to the pool.
Where nothing is left of what a bucket gave, a contribution that takes part once has its turn again.
A line of sort "correction" states each part; the parts and the pool sum to the correction exactly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.codec import INT_MIN
from commonweal.protocol.ledger.claims.part_rows import give_back_parts
from commonweal.protocol.ledger.claims.pools import (
    CORRECTED,
    PAID,
    PAST,
    TAKEN,
    IncomeRow,
    Payout,
    PayoutWriter,
    PoolId,
    ReceivedRow,
    SplitRow,
    clamped,
    corrected,
    is_waiting,
)
from commonweal.protocol.ledger.governance import giving_rounds
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.rules.portions import divide
from commonweal.protocol.rules.split import CORRECTION, PayoutLine
from commonweal.protocol.vocabulary.payout_line import BY_POINTS, ReceivedPoints


def correct_income(
    writer: PayoutWriter, event: bytes, income: IncomeRow, more: int, seed: bytes
) -> int:
    """Write what `more` (or less) of an income changes; return the part that the pool bears.

    income: as it counted before. seed: the id of the previous seal, which breaks ties between equal
    remainders.
    """
    if is_waiting(writer.state, income.pool, event):
        return more
    left = more
    splits = writer.splits(income.pool)
    heights = [*splits]
    for height in heights[bisect_left(heights, income.split_height) :]:
        if not left:
            break
        left = _SplitCorrection(writer, event, income, seed, height, splits[height]).send(left)
    return left


def restore_turns(writer: PayoutWriter) -> None:
    """Owe again the debts that were paid by nothing, and give back turns that paid nothing.

    One pass over what a bucket gave, for all corrections of a cut together.
    """
    state = writer.state
    for pool, bucket in sorted({**writer.unpaid, **writer.undone}):
        unpaid = dict(writer.unpaid.get((pool, bucket), {}))
        again = dict.fromkeys(writer.undone.get((pool, bucket), ()))
        give_back_parts(state, pool, bucket, again)
        prefix = TAKEN + pool.to_bytes() + bucket.encode() + b"\0"
        for height in again:
            _restore_points(writer, pool, bucket, height)
        for key, value in list(state.items(prefix)):
            taken = ReceivedRow(*value)
            if taken.height in again:
                state.delete(key)
                continue
            row = event_row(state, key[len(prefix) :]) if taken.amount and unpaid else None
            member = b"" if row is None else agents.person(state, row.provider)
            back = min(taken.amount, unpaid.get(member, 0))
            if back > 0:
                state.put(key, [*taken._replace(amount=taken.amount - back)])
                unpaid[member] -= back


def _restore_points(writer: PayoutWriter, pool: PoolId, bucket: str, height: int) -> None:
    """Let the points wait again, or the uses of data, by which a split paid nothing in the end."""
    for _, payout in writer.lines(height, pool):
        line = payout.line
        if line.bucket == bucket and line.sort in BY_POINTS:
            place = pool.to_bytes() + bucket.encode() + b"\0" + line.member
            points = ReceivedPoints(line.weight, payout.inputs, line.inputs)
            giving_rounds.add_points(writer.state, place, points)


class _PayoutPart(NamedTuple):
    """A line that the money reached. size: what it received; left: as corrected since."""

    place: bytes
    payout: Payout
    size: int
    left: int


@dataclass(frozen=True, slots=True)
class _SplitCorrection:
    """The correction of one split that the money of an income went through."""

    writer: PayoutWriter
    event: bytes
    income: IncomeRow
    seed: bytes
    height: int
    split: SplitRow

    def send(self, more: int) -> int:
        """Write the correction of this split's lines; return what stayed in the pool there."""
        by_bucket = self._parts_reached()
        names = [*by_bucket]
        weights = [self._weight(name, by_bucket[name]) for name in names]
        weights.append(self._mixed(self.split.carried))
        if not any(weights):
            return more
        ties = self._ties([*(name.encode() for name in names), b""])
        *shares, onward = divide(abs(more), weights, ties)
        if more < 0:
            lefts = [sum(part.left for part in by_bucket[name]) for name in names]
            given = _within(shares, lefts, ties)
        else:
            # The next split pays what is still owed, and those who have their turn again.
            closed = (*self.split.debts, *self.split.undone)
            pairs = zip(names, shares, strict=True)
            given = [0 if name in closed else share for name, share in pairs]
        sign = -1 if more < 0 else 1
        for name, amount in zip(names, given, strict=True):
            self._divide(by_bucket[name], sign * amount)
        if more < 0:
            self._give_back_turns(names)
        return sign * (onward + sum(shares) - sum(given))

    @property
    def _is_traced(self) -> bool:
        """Return whether this split told the income apart from others."""
        return self.income.traced and self.income.split_height == self.height

    def _parts_reached(self) -> dict[str, list[_PayoutPart]]:
        """Return the lines that money of the income could reach, by bucket."""
        parts: dict[str, list[_PayoutPart]] = {}
        for place, payout in self.writer.lines(self.height, self.income.pool):
            line = payout.line
            source = self.event if self._is_traced else b""
            if line.bucket in self.split.tracing and line.income != source:
                continue
            left = max(0, line.amount + corrected(self.writer.state, place))
            part = _PayoutPart(place, payout, line.amount, left)
            parts.setdefault(line.bucket, []).append(part)
        return parts

    def _weight(self, bucket: str, parts: Sequence[_PayoutPart]) -> int:
        """Return how much of what a bucket gave came from this income, or from all alike."""
        size = sum(part.size for part in parts)
        if bucket not in self.split.tracing:
            return self._mixed(size)
        if self._is_traced:
            return size
        return size * self.split.total // self.split.untraced if self.split.untraced else 0

    def _mixed(self, size: int) -> int:
        return size * self.income.split_amount // self.split.total if self._is_traced else size

    def _divide(self, parts: Sequence[_PayoutPart], amount: int) -> None:
        """Write the lines that divide a bucket's part of the correction."""
        if not amount:
            return
        sizes = [part.left if amount < 0 else part.size for part in parts]
        ties = self._ties([part.place for part in parts])
        whole = divide(abs(amount), sizes, ties)
        for part, size, portion in zip(parts, sizes, whole, strict=True):
            if portion:
                given = -portion if amount < 0 else portion
                line = part.payout.line
                fields = (line.bucket, CORRECTION, line.member, given, amount, size, sum(sizes))
                written = PayoutLine(*fields, income=self.event, corrects=self.height)
                self.writer.write(self.income.pool, part.payout.ruleset, written)
                self._apply_to_totals(part, given)

    def _apply_to_totals(self, part: _PayoutPart, amount: int) -> None:
        """Apply the correction of a line to everything that later splits read of it."""
        line = part.payout.line
        state, prefix = self.writer.state, self.income.pool.to_bytes()
        so_far = clamped(corrected(state, part.place) + amount, INT_MIN)
        state.put(CORRECTED + part.place, so_far)
        whose = line.source if line.sort == "commission" else line.member
        bucket = line.bucket.encode() + b"\0"
        if line.sort in ("share", "arrears", "commission"):
            key = PAID + prefix + bucket + whose
            state.put(key, clamped((state.get(key) or 0) + amount))
        if line.sort in ("share", "commission"):
            key = PAST + prefix + bucket + self.height.to_bytes(8)
            past = state.get(key)
            if past is not None:
                state.put(key, [clamped(past[0] + amount), past[1]])
        if line.bucket in self.split.debts:
            unpaid = self.writer.unpaid.setdefault((self.income.pool, line.bucket), {})
            unpaid[whose] = unpaid.get(whose, 0) - amount

    def _give_back_turns(self, buckets: Iterable[str]) -> None:
        """Note the buckets of which nothing is left: their turns are given back."""
        state, left = self.writer.state, dict.fromkeys(buckets, 0)
        for place, payout in self.writer.lines(self.height, self.income.pool):
            if payout.line.bucket in left:
                left[payout.line.bucket] += payout.line.amount + corrected(state, place)
        empty = [name for name, amount in left.items() if not amount]
        undone = [
            bucket
            for bucket in empty
            if bucket in self.split.once and bucket not in self.split.undone
        ]
        for name in undone:
            self.writer.undone.setdefault((self.income.pool, name), []).append(self.height)
        if undone:
            row = self.split._replace(undone=[*self.split.undone, *undone])
            self.writer.change_split(self.income.pool, self.height, row)

    def _ties(self, names: Sequence[bytes]) -> list[bytes]:
        pool = self.income.pool.name
        return [
            keys.hash32(
                keys.TIE, codec.encode([self.seed, self.writer.height, pool, self.event, name])
            )
            for name in names
        ]


def _within(shares: Sequence[int], lefts: Sequence[int], ties: Sequence[bytes]) -> list[int]:
    """Return the shares, none above what is left of it; the others bear the excess."""
    given = [min(share, left) for share, left in zip(shares, lefts, strict=True)]
    room = [left - portion for left, portion in zip(lefts, given, strict=True)]
    over = min(sum(shares) - sum(given), sum(room))
    if over:
        rest = divide(over, room, ties[: len(room)])
        given = [portion + more for portion, more in zip(given, rest, strict=True)]
    return given
