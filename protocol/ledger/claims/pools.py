"""Pools: where income gathers, how it was split, and the payout lines.

What a cut writes never changes. A line says what a split gave; a line of sort "correction" says
what a later cut gives or takes because an income of that split was corrected. State: z pools, y
what contributions received, W what members received, j what buckets gave, T lines, 0 incomes, 9s
splits, 9c how much of a line was corrected since, 9h traced incomes that wait for a split.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.vocabulary.payout_line import CORRECTION, PayoutLine

if TYPE_CHECKING:
    from commonweal.protocol.rules.document import Pool

POOL, TAKEN, PAID = Table.POOL.prefix, Table.TAKEN.prefix, Table.PAID.prefix
PAST, LINE, INCOME = Table.PAST.prefix, Table.LINE.prefix, Table.INCOME.prefix
SPLIT, CORRECTED, WAITING = Table.SPLIT.prefix, Table.CORRECTED.prefix, Table.WAITING.prefix

INPUTS_KEPT_MAX = 64
"""How many of the contributions behind a line it names; it also holds their number."""


class PoolId(NamedTuple):
    """The identity of a pool: rules that change its unit or scale have another pool."""

    name: str
    unit: str
    scale: int

    def to_bytes(self) -> bytes:
        """Return the prefix of the pool's keys; names contain no zero byte."""
        return b"\0".join((self.name.encode(), self.unit.encode(), str(self.scale).encode(), b""))


class PoolRow(NamedTuple):
    """A pool in the state. carried: its balance. split_ms: the time of its last split.

    carried is negative after an income was corrected whose money had been paid out; then the next
    income fills that first. error: why the last split failed, otherwise empty.
    """

    carried: int = 0
    split_ms: int = 0
    error: str = ""


class ReceivedRow(NamedTuple):
    """What a contribution received from a bucket: an amount for debts, otherwise 0.

    height: of the first split in which it took part.
    """

    amount: int
    height: int


class IncomeRow(NamedTuple):
    """An income in the state: its pool, and the height since which it is in the pool.

    amount: as it counts now; first: as it first came in. traced: whether it names the contribution
    that earned it. split, divided: for one that waited in its pool, the height of the split that
    told it apart, and its amount there.
    """

    pool: PoolId
    height: int
    amount: int
    first: int
    traced: bool
    split: int | None = None
    divided: int | None = None

    @property
    def split_height(self) -> int:
        """The height at which it was told apart, or came in mixed with others."""
        return self.height if self.split is None else self.split

    @property
    def split_amount(self) -> int:
        """Its amount at that height."""
        return self.first if self.divided is None else self.divided


class SplitRow(NamedTuple):
    """A split in the state. carried: what stayed in the pool.

    untraced: how much of `total` named nothing that earned it. tracing: the buckets that followed
    each income to what earned it. debts: the buckets that paid debts. once: the buckets in which a
    contribution takes part once; undone: those of them in which its turn was given back.
    """

    total: int
    untraced: int
    carried: int
    tracing: list[str]
    debts: list[str]
    once: list[str]
    undone: list[str]


class Payout(NamedTuple):
    """A payout line: at which height, from which pool, under which ruleset.

    The ruleset of a correction is that of the split which it corrects. inputs: how many
    contributions are behind it.
    """

    height: int
    pool: str
    unit: str
    scale: int
    ruleset: bytes
    line: PayoutLine
    inputs: int


class MemberSums(NamedTuple):
    """What a cut gives a member from a pool: by splits, and by corrections of earlier splits."""

    earned: int = 0
    corrected: int = 0


class PayoutWriter:
    """Writes the payout lines of one cut, and sums them by pool and member.

    What earlier cuts wrote is read once, however many corrections need it.
    """

    def __init__(self, state: State, height: int) -> None:
        self.state, self.height = state, height
        self.sums: dict[tuple[PoolId, bytes], MemberSums] = {}
        self.given: dict[PoolId, int] = {}
        """By pool, what corrections gave to members whose corrections are positive in sum."""
        self.unpaid: dict[tuple[PoolId, str], dict[bytes, int]] = {}
        """By bucket, how much of paid debts members owe back, so that it is owed to them again."""
        self.undone: dict[tuple[PoolId, str], list[int]] = {}
        """By bucket, the heights of the splits of which nothing is left."""
        self._numbers: dict[str, int] = {}
        self._splits: dict[PoolId, dict[int, SplitRow]] = {}
        self._lines: dict[tuple[int, PoolId], list[tuple[bytes, Payout]]] = {}

    def write(
        self, pool: PoolId, ruleset: bytes, line: PayoutLine, count: int | None = None
    ) -> None:
        """Append a line to those that the pool has at this height.

        count: how many inputs it has, where the line does not name all of them.
        """
        number = self._numbers.get(pool.name, 0)
        self._numbers[pool.name] = number + 1
        key = LINE + _place(self.height, pool.name) + number.to_bytes(4)
        kept = _fitting(line)._replace(
            inputs=line.inputs[:INPUTS_KEPT_MAX], parts=line.parts[:INPUTS_KEPT_MAX]
        )
        fields = [[*value] if type(value) is tuple else value for value in kept]
        if not kept.parts:
            fields.pop()
        self.state.put(key, [pool.unit, pool.scale, ruleset, count or len(line.inputs), fields])
        earned, corrected = self.sums.get((pool, line.member), MemberSums())
        if line.sort == CORRECTION:
            more = max(0, corrected + line.amount) - max(0, corrected)
            self.given[pool] = self.given.get(pool, 0) + more
            corrected += line.amount
        else:
            earned += line.amount
        self.sums[pool, line.member] = MemberSums(earned, corrected)

    def splits(self, pool: PoolId) -> dict[int, SplitRow]:
        """Return the earlier splits of a pool that gave something, by height."""
        if pool not in self._splits:
            prefix = SPLIT + pool.to_bytes()
            self._splits[pool] = {
                int.from_bytes(key[-8:]): SplitRow(*row) for key, row in self.state.items(prefix)
            }
        return self._splits[pool]

    def change_split(self, pool: PoolId, height: int, row: SplitRow) -> None:
        """Replace the row of an earlier split."""
        self.splits(pool)[height] = row
        put_split(self.state, pool, height, row)

    def lines(self, height: int, pool: PoolId) -> list[tuple[bytes, Payout]]:
        """Return the lines that an earlier split wrote, each with its place."""
        if (height, pool) not in self._lines:
            self._lines[height, pool] = [
                entry
                for entry in lines_of(self.state, height, pool)
                if entry[1].line.sort != CORRECTION
            ]
        return self._lines[height, pool]


def pools(state: State) -> dict[PoolId, PoolRow]:
    """Return every pool, also those that the rules in force no longer have."""
    return {_pool_id(key[1:]): PoolRow(*value) for key, value in state.items(POOL)}


def pool_row(state: State, pool: PoolId) -> PoolRow:
    """Return a pool; an empty one when nothing ever came in."""
    value = state.get(POOL + pool.to_bytes())
    return PoolRow() if value is None else PoolRow(*value)


def put_pool(state: State, pool: PoolId, row: PoolRow) -> None:
    """Write a pool."""
    state.put(POOL + pool.to_bytes(), [*row])


def income_row(state: State, event: bytes) -> IncomeRow | None:
    """Return an event as income of a pool; None when it is no income."""
    value = state.get(INCOME + event)
    return None if value is None else IncomeRow(PoolId(*value[:3]), *value[3:])


def put_income(state: State, event: bytes, row: IncomeRow) -> None:
    """Write an income."""
    known = [value for value in row[1:] if value is not None]
    state.put(INCOME + event, [*row.pool, *known])


def wait(state: State, pool: PoolId, event: bytes) -> None:
    """Note that a traced income waits in its pool for the next split."""
    state.put(WAITING + pool.to_bytes() + event, True)


def is_waiting(state: State, pool: PoolId, event: bytes) -> bool:
    """Return whether an income waits in its pool for the next split."""
    return state.get(WAITING + pool.to_bytes() + event) is not None


def waiting_incomes(state: State, pool: PoolId) -> dict[bytes, IncomeRow]:
    """Return the incomes that wait in a pool, by event."""
    prefix = WAITING + pool.to_bytes()
    rows = {
        key[len(prefix) :]: income_row(state, key[len(prefix) :]) for key, _ in state.items(prefix)
    }
    return {event: row for event, row in rows.items() if row is not None}


def end_waiting(state: State, event: bytes, row: IncomeRow, height: int | None) -> None:
    """Let an income wait no more. height: of the split that tells it apart; None: none does."""
    state.delete(WAITING + row.pool.to_bytes() + event)
    if height is not None:
        put_income(state, event, row._replace(split=height, divided=row.amount))


def put_split(state: State, pool: PoolId, height: int, row: SplitRow) -> None:
    """Write a split."""
    state.put(SPLIT + pool.to_bytes() + height.to_bytes(8), [*row])


def payouts(state: State, height: int | None = None) -> list[Payout]:
    """Return all payout lines, or those of one height, in the order of payment."""
    return [payout for _, payout in lines(state, b"" if height is None else height.to_bytes(8))]


def lines_of(state: State, height: int, pool: PoolId) -> list[tuple[bytes, Payout]]:
    """Return the lines of a pool at a height, each with its place."""
    entries = lines(state, _place(height, pool.name))
    return [(place, payout) for place, payout in entries if (payout.unit, payout.scale) == pool[1:]]


def lines(state: State, prefix: bytes = b"") -> Iterator[tuple[bytes, Payout]]:
    """Yield the lines whose place starts with `prefix`, each with its place."""
    for key, (unit, scale, ruleset, count, fields) in state.items(LINE + prefix):
        line = PayoutLine(*fields)
        line = line._replace(inputs=tuple(line.inputs), parts=tuple(line.parts))
        height = int.from_bytes(key[1:9])
        yield key[1:], Payout(height, key[9:-5].decode(), unit, scale, ruleset, line, count)


def payout_name(place: bytes) -> str:
    """Return the name of the line at a place as members read it: height, pool and number."""
    return f"{int.from_bytes(place[:8])}.{place[8:-5].decode()}.{int.from_bytes(place[-4:])}"


def corrected(state: State, place: bytes) -> int:
    """Return the sum of later corrections of the line at a place; negative when it lost."""
    return state.get(CORRECTED + place) or 0


def shares(state: State) -> dict[tuple[bytes, str, int], int]:
    """Return what each member has received, as corrected: by (member, unit, scale)."""
    sums: dict[tuple[bytes, str, int], int] = {}
    for payout in payouts(state):
        key = (payout.line.member, payout.unit, payout.scale)
        sums[key] = sums.get(key, 0) + payout.line.amount
    return dict(sorted(sums.items()))


def _place(height: int, pool: str) -> bytes:
    return height.to_bytes(8) + pool.encode() + b"\0"


def _pool_id(prefix: bytes) -> PoolId:
    name, unit, scale, _ = prefix.decode().split("\0")
    return PoolId(name, unit, int(scale))


def _fitting(line: PayoutLine) -> PayoutLine:
    """Return a line whose weights fit 64 bits: where they do not, both are divided alike."""
    if line.weights <= INT_MAX:
        return line
    by = line.weights // INT_MAX + 1
    return line._replace(weight=line.weight // by, weights=line.weights // by)


def clamped(value: int, least: int = 0) -> int:
    """Return a sum as the state holds it: at least `least`, at most what 64 bits hold."""
    return max(least, min(value, INT_MAX))


def pool_id(pool: Pool) -> PoolId:
    """Return the identity of a pool of the rules."""
    return PoolId(pool.name, pool.unit, pool.scale)
