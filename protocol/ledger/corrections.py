"""Corrections of income that was split: what they change is written at the height that has them.

No sealed number changes. What an income is more or less than was split goes the way that the
money went: to those who got it, in proportion to what they got, and with what stayed in the
pool on to the pool's later splits. What nobody can give back, and what a debt would get beyond
itself, goes to the pool. Where nothing is left of what a bucket gave, a contribution that has
one turn has not had it. A line of sort "correction" says each part; what the parts and the
pool come to is the correction, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.codec import INT_MIN
from commonweal.protocol.ledger import agents
from commonweal.protocol.ledger.flow import event_row
from commonweal.protocol.ledger.pools import (
    CORRECTED,
    PAID,
    PAST,
    TAKEN,
    IncomeRow,
    Payout,
    Sheet,
    SplitRow,
    TakenRow,
    corrected,
    counted,
    lines_of,
    put_split,
    splits_since,
)
from commonweal.protocol.rules.portions import divide
from commonweal.protocol.rules.split import CORRECTION, Line


def correct_income(sheet: Sheet, event: bytes, income: IncomeRow, more: int, seed: bytes) -> int:
    """Write what `more` (or less) of an income changes; return what of it the pool has.

    income: as it counted before. seed: the id of the previous seal, which decides between
    equal remainders.
    """
    left = more
    for height, split in splits_since(sheet.state, income.pool, income.height):
        if left:
            left = _Way(sheet, event, income, seed, height, split).send(left)
    return left


class _Part(NamedTuple):
    """A line that the money reached. size: what it got; when less is left, what it has still."""

    place: bytes
    payout: Payout
    size: int


@dataclass(frozen=True, slots=True)
class _Way:
    """One split that the money of an income went through."""

    sheet: Sheet
    event: bytes
    income: IncomeRow
    seed: bytes
    height: int
    split: SplitRow

    def send(self, more: int) -> int:
        """Write what goes to the lines of this split; return what stayed in the pool there."""
        is_less = more < 0
        by_bucket = self._reached(is_less)
        kept = self.split.carried + (self.split.more if is_less else 0)
        sizes = {name: sum(part.size for part in parts) for name, parts in by_bucket.items()}
        weights = [self._weight(name, size) for name, size in sizes.items()]
        weights.append(self._mixed(max(0, kept)))
        if not any(weights):
            return more
        ties = self._ties([*(name.encode() for name in sizes), b""])
        *shares, onward = divide(abs(more), weights, ties)
        for (name, parts), share in zip(by_bucket.items(), shares, strict=True):
            if not is_less and name in (*self.split.debts, *self.split.undone):
                # The next split pays what is owed still, and those who have their turn again.
                onward += share
                continue
            given = min(share, sizes[name]) if is_less else share
            onward += share - given
            self._divide(parts, -given if is_less else given)
        left = -onward if is_less else onward
        undone = [*self.split.undone, *(self._undone(by_bucket) if is_less else ())]
        more = counted(self.split.more + left, INT_MIN)
        row = self.split._replace(undone=undone, more=more)
        put_split(self.sheet.state, self.income.pool, self.height, row)
        return left

    @property
    def _is_traced(self) -> bool:
        """Whether the income was told apart from others when this split was made."""
        return self.income.traced and self.income.height == self.height

    def _reached(self, is_less: bool) -> dict[str, list[_Part]]:
        """Return the lines that money of the income could reach, by bucket."""
        found: dict[str, list[_Part]] = {}
        for place, payout in lines_of(self.sheet.state, self.height, self.income.pool):
            line = payout.line
            if line.sort == CORRECTION:
                continue
            source = self.event if self._is_traced else b""
            if line.bucket in self.split.tracing and line.income != source:
                continue
            size = line.amount + (corrected(self.sheet.state, place) if is_less else 0)
            found.setdefault(line.bucket, []).append(_Part(place, payout, max(0, size)))
        return found

    def _weight(self, bucket: str, size: int) -> int:
        """Return how much of what a bucket gave came from this income, or from all alike."""
        if bucket not in self.split.tracing:
            return self._mixed(size)
        if self._is_traced:
            return size
        return size * self.split.total // self.split.untraced if self.split.untraced else 0

    def _mixed(self, size: int) -> int:
        return size * self.income.first // self.split.total if self._is_traced else size

    def _divide(self, parts: Sequence[_Part], amount: int) -> None:
        """Write the lines by which a bucket's part of the correction is divided."""
        total = sum(part.size for part in parts)
        if not amount or not total:
            return
        ties = self._ties([part.place for part in parts])
        sign = -1 if amount < 0 else 1
        whole = divide(abs(amount), [part.size for part in parts], ties)
        for part, size in zip(parts, whole, strict=True):
            if size:
                self._write(part, sign * size, amount, total)

    def _write(self, part: _Part, amount: int, of: int, total: int) -> None:
        line = part.payout.line
        written = Line(
            *(line.bucket, CORRECTION, line.member, amount, of, part.size, total),
            income=self.event,
            corrects=self.height,
        )
        self.sheet.write(self.income.pool, part.payout.ruleset, written)
        state, prefix = self.sheet.state, self.income.pool.to_bytes()
        so_far = counted(corrected(state, part.place) + amount, INT_MIN)
        state.put(CORRECTED + part.place, so_far)
        whose = line.source if line.sort == "commission" else line.member
        bucket = line.bucket.encode() + b"\0"
        if line.sort in ("share", "arrears", "commission"):
            key = PAID + prefix + bucket + whose
            state.put(key, counted((state.get(key) or 0) + amount))
        if line.sort in ("share", "commission"):
            key = PAST + prefix + bucket + self.height.to_bytes(8)
            past = state.get(key)
            if past is not None:
                state.put(key, [counted(past[0] + amount), past[1]])
        if line.bucket in self.split.debts:
            self._owe_again(bucket, whose, -amount)

    def _undone(self, buckets: Iterable[str]) -> list[str]:
        """Give back the turns in buckets of which nothing is left; return which those are."""
        state, left = self.sheet.state, dict.fromkeys(buckets, 0)
        for place, payout in lines_of(state, self.height, self.income.pool):
            if payout.line.sort != CORRECTION and payout.line.bucket in left:
                left[payout.line.bucket] += payout.line.amount + corrected(state, place)
        empty = [name for name, amount in left.items() if not amount]
        undone = [one for one in empty if one in self.split.once and one not in self.split.undone]
        for name in undone:
            prefix = TAKEN + self.income.pool.to_bytes() + name.encode() + b"\0"
            for key, value in list(state.items(prefix)):
                if TakenRow(*value).height == self.height:
                    state.delete(key)
        return undone

    def _owe_again(self, bucket: bytes, member: bytes, amount: int) -> None:
        """Let the debts of a bucket to a member count as so much less paid."""
        state = self.sheet.state
        for key, value in list(state.items(TAKEN + self.income.pool.to_bytes() + bucket)):
            row, taken = event_row(state, key[-len(self.event) :]), TakenRow(*value)
            if row is not None and agents.person(state, row.provider) == member:
                back = min(taken.amount, amount)
                if back:
                    state.put(key, [*taken._replace(amount=taken.amount - back)])
                amount -= back

    def _ties(self, names: Sequence[bytes]) -> list[bytes]:
        pool = self.income.pool.name
        return [
            keys.hash32(
                keys.TIE, codec.encode([self.seed, self.sheet.height, pool, self.event, name])
            )
            for name in names
        ]
