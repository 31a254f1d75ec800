"""Distribution: at each cut, what is worth something gets its value, and pools are split.

Only what a cut covers takes part; what is booked late takes part from its cut on, and
nothing that was paid changes. An event counts once it is attested as the rules ask. An
error in a split carries the pool to the next height; an error in a value is worth 0, and
is shown. State: q events booked, b not valued yet, w values, Y referrals, z pools, y what
contributions got, W what members got, j what buckets gave, T lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from commonweal.protocol.errors import RuleError
from commonweal.protocol.ledger import agents, attestation, joining, roles, standing
from commonweal.protocol.ledger.closing import LAST
from commonweal.protocol.ledger.context import is_bytes
from commonweal.protocol.ledger.cut import Cut
from commonweal.protocol.ledger.flow import event_row
from commonweal.protocol.ledger.state import State
from commonweal.protocol.ledger.trace import Sort, trace
from commonweal.protocol.ledger.value import amount_in, event_value, income_pool, worth
from commonweal.protocol.record import CommunityId, Record
from commonweal.protocol.rules.document import Pool, Ruleset
from commonweal.protocol.rules.split import (
    Contribution,
    Facts,
    Income,
    Line,
    Past,
    Referral,
    Split,
    split,
)

BOOKED, PENDING, WORTH, REFERRED, POOL = b"q", b"b", b"w", b"Y", b"z"
TAKEN, PAID, PAST, LINE = b"y", b"W", b"j", b"T"

VALUED_BY = LAST + b"v"
"""The key of the ruleset by which values were given last."""

INPUTS_KEPT_MAX = 64
"""A line keeps so many of the contributions that it was reckoned from, and their number."""

PAST_MAX = 100
"""Arrears look back over so many splits of a bucket."""


class WorthRow(NamedTuple):
    """The value of an event in the state, at the cut that found it attested."""

    points: int
    member: bytes
    height: int
    time_ms: int
    reason: str


class PoolId(NamedTuple):
    """What makes a pool the same: rules that change its unit or scale have another one."""

    name: str
    unit: str
    scale: int

    def to_bytes(self) -> bytes:
        """Return what its keys begin with; names hold no zero byte."""
        return b"\0".join((self.name.encode(), self.unit.encode(), str(self.scale).encode(), b""))


class PoolRow(NamedTuple):
    """A pool in the state. carried: what it holds; split_ms: the time of its last split.

    error: why the last split failed; empty when it did not.
    """

    carried: int = 0
    split_ms: int = 0
    error: str = ""


class Payout(NamedTuple):
    """A line as it was paid: at which height, from which pool, under which ruleset."""

    height: int
    pool: str
    unit: str
    scale: int
    ruleset: bytes
    line: Line
    inputs: int


def book(state: State, cut: Cut, records: Iterable[Record]) -> list[bytes]:
    """Note when the events and referrals of a cut were booked. records: those that count.

    Return the events that may have a value now: new ones, and those of which somebody said
    something.
    """
    touched: list[bytes] = []
    for record in sorted(records, key=lambda one: (one.clock, one.id)):
        if record.kind == "event" and "corrects" not in record.data:
            earned_by = record.data.get("earnedBy")
            source = earned_by if is_bytes(earned_by) else b""
            state.put(BOOKED + record.id, [cut.height, cut.time_ms, source])
            state.put(PENDING + record.id, True)
            touched.append(record.id)
        elif record.kind in ("attest", "dispute"):
            touched.append(record.data["event"])
        elif record.kind == "event":
            corrected = record.data["corrects"]
            touched.append(corrected)
            # What is corrected is attested, and so valued, anew; what it got it keeps.
            if state.get(WORTH + corrected) is not None:
                state.delete(WORTH + corrected)
                state.put(PENDING + corrected, True)
        elif record.kind == "referral":
            device = joining.device_row(state, record.author)
            assert device is not None, "who wrote it was enrolled"
            state.put(REFERRED + device.member, cut.time_ms)
    return touched


def share(
    state: State,
    cut: Cut,
    ruleset: Ruleset,
    community: CommunityId,
    touched: Iterable[bytes] = (),
) -> list[Split]:
    """Value what was attested and split what the pools hold; return the splits.

    state: holds all that the cut covers; everything is written to it. touched: as `book`
    returns it. When the ruleset is another than last time, all that waits is looked at.
    """
    if state.get(VALUED_BY) != ruleset.id:
        state.put(VALUED_BY, ruleset.id)
        touched = [key[1:] for key, _ in state.items(PENDING)]
    incomes = _value(state, cut, ruleset, community, touched)
    splits: list[Split] = []
    for pool in ruleset.pools:
        row = _pool_row(state, pool)
        came = incomes.get(pool.name, [])
        total = row.carried + sum(income.amount for income in came)
        is_due = cut.time_ms - row.split_ms >= pool.every_ms
        if not total or not is_due:
            if came:
                state.put(_pool_key(pool), [*row._replace(carried=total)])
            continue
        facts = _facts(state, cut, pool, row, tuple(came), community)
        try:
            done = split(pool, facts)
        except RuleError as error:
            failed = row._replace(carried=total, error=error.sentence)
            state.put(_pool_key(pool), [*failed])
            continue
        _write(state, cut, ruleset, pool, facts, done)
        splits.append(done)
    return splits


def pools(state: State) -> dict[PoolId, PoolRow]:
    """Return what each pool holds, also one that the rules in force no longer have."""
    return {_pool_id(key[1:]): PoolRow(*value) for key, value in state.items(POOL)}


def payouts(state: State, height: int | None = None) -> list[Payout]:
    """Return every line that was paid, or those of one height, in the order of payment."""
    prefix = LINE if height is None else LINE + height.to_bytes(8)
    return [_payout(key, value) for key, value in state.items(prefix)]


def shares(state: State) -> dict[tuple[bytes, str, int], int]:
    """Return what each has been paid so far: by (member, unit, scale)."""
    sums: dict[tuple[bytes, str, int], int] = {}
    for one in payouts(state):
        key = (one.line.member, one.unit, one.scale)
        sums[key] = sums.get(key, 0) + one.line.amount
    return dict(sorted(sums.items()))


def worth_of(state: State, event: bytes) -> WorthRow | None:
    """Return the value that an event was given; None while it has none."""
    value = state.get(WORTH + event)
    return None if value is None else WorthRow(*value)


def booked_at(state: State, event: bytes) -> tuple[int, int] | None:
    """Return height and time (ms) of the cut that took an event in."""
    value = state.get(BOOKED + event)
    return None if value is None else (value[0], value[1])


def _value(
    state: State,
    cut: Cut,
    ruleset: Ruleset,
    community: CommunityId,
    touched: Iterable[bytes],
) -> dict[str, list[Income]]:
    """Give what is attested now its value; return the income of each pool."""
    rules = standing.rules_of(ruleset)
    incomes: dict[str, list[Income]] = {}
    for event in sorted(dict.fromkeys(touched)):
        key = PENDING + event
        if state.get(key) is None:
            continue
        row = event_row(state, event)
        assert row is not None, "what is booked is known"
        if not attestation.is_attested(state, event, rules) or row.disputes:
            continue
        value = event_value(state, community, event, row)
        pool = income_pool(ruleset, value)
        if pool is not None and row.quantity is not None:
            income = Income(event, amount_in(pool, row), _upstream(state, event))
            incomes.setdefault(pool.name, []).append(income)
            state.delete(key)
            continue
        given = worth(ruleset, value)
        if given is None:
            # A rule that comes later may give it a value.
            continue
        member = agents.person(state, row.provider)
        state.put(WORTH + event, [given.points, member, cut.height, cut.time_ms, given.reason])
        state.delete(key)
    return incomes


def _upstream(state: State, event: bytes) -> frozenset[bytes] | None:
    """Return the events behind what an income was earned by; None where it does not say."""
    source = state.get(BOOKED + event)[2]
    if not source:
        return None
    return frozenset(step.id for step in trace(state, source) if step.sort is Sort.EVENT)


def _facts(
    state: State,
    cut: Cut,
    pool: Pool,
    row: PoolRow,
    incomes: tuple[Income, ...],
    community: CommunityId,
) -> Facts:
    """Gather what the split of a pool reads."""
    contributions = tuple(_contributions(state, community))
    members = [key[1:] for key, value in state.items(joining.MEMBER) if value[0] == joining.ACTIVE]
    named = dict.fromkeys([*(one.role for one in pool.buckets), pool.commission_role])
    prefix = id_of(pool).to_bytes()
    return Facts(
        height=cut.height,
        time_ms=cut.time_ms,
        seed=cut.prev,
        community=community,
        carried=row.carried,
        incomes=incomes,
        contributions=contributions,
        holders={
            role: tuple(one for one in members if roles.holds(state, one, role))
            for role in named
            if role
        },
        referrals=dict(_referrals(state)),
        taken=dict(_by_bucket(state, TAKEN + prefix)),
        paid=dict(_by_bucket(state, PAID + prefix)),
        past={
            bucket.name: tuple(_pasts(state, prefix + bucket.name.encode() + b"\0"))
            for bucket in pool.buckets
        },
    )


def _contributions(state: State, community: CommunityId) -> Iterator[Contribution]:
    for key, value in state.items(WORTH):
        given, event = WorthRow(*value), key[1:]
        row = event_row(state, event)
        assert row is not None, "what has a value is known"
        booked = booked_at(state, event)
        assert booked is not None, "what has a value was booked"
        # What an agent outside gave waits for whoever claims it.
        member = agents.person(state, given.member)
        if given.points and state.get(joining.MEMBER + member) is not None:
            yes, _ = attestation.attesters(state, event)
            seen = event_value(state, community, event, row)
            valued = (given.height, given.time_ms)
            yield Contribution(event, member, given.points, booked, valued, yes, seen)


def _referrals(state: State) -> Iterator[tuple[bytes, Referral]]:
    for key, time_ms in state.items(REFERRED):
        yield key[1:], Referral(state.get(agents.REFERRER + key[1:]), time_ms)


def _by_bucket(state: State, prefix: bytes) -> Iterator[tuple[tuple[str, bytes], int]]:
    for key, amount in state.items(prefix):
        bucket, _, id = key[len(prefix) :].partition(b"\0")
        yield (bucket.decode(), id), amount


def _pasts(state: State, prefix: bytes) -> list[Past]:
    found = [Past(int.from_bytes(key[-8:]), *value) for key, value in state.items(PAST + prefix)]
    return found[-PAST_MAX:]


def _write(state: State, cut: Cut, ruleset: Ruleset, pool: Pool, facts: Facts, done: Split) -> None:
    """Write what a split gives, and what the next one has to know."""
    split_ms = cut.time_ms if done.lines else _pool_row(state, pool).split_ms
    state.put(_pool_key(pool), [*PoolRow(done.carried, split_ms)])
    prefix = id_of(pool).to_bytes()
    for (bucket, id), amount in sorted(done.taken.items()):
        if facts.taken.get((bucket, id)) != amount:
            state.put(TAKEN + prefix + bucket.encode() + b"\0" + id, amount)
    for bucket, past in sorted(done.past.items()):
        key = PAST + prefix + bucket.encode() + b"\0" + cut.height.to_bytes(8)
        state.put(key, [past.amount, past.points])
    for number, line in enumerate(done.lines):
        if line.sort in ("share", "arrears"):
            key = PAID + prefix + line.bucket.encode() + b"\0" + line.member
            state.put(key, (state.get(key) or 0) + line.amount + line.commissions)
        fields: list[Any] = [*line]
        fields[Line._fields.index("inputs")] = [*line.inputs[:INPUTS_KEPT_MAX]]
        key = LINE + cut.height.to_bytes(8) + pool.name.encode() + b"\0" + number.to_bytes(4)
        state.put(key, [pool.unit, pool.scale, ruleset.id, len(line.inputs), fields])


def _payout(key: bytes, value: list[Any]) -> Payout:
    unit, scale, ruleset, count, fields = value
    line = Line(*fields)
    line = line._replace(inputs=tuple(line.inputs))
    height = int.from_bytes(key[1:9])
    return Payout(height, key[9:-5].decode(), unit, scale, ruleset, line, count)


def id_of(pool: Pool) -> PoolId:
    """Return what a pool is known by."""
    return PoolId(pool.name, pool.unit, pool.scale)


def _pool_id(prefix: bytes) -> PoolId:
    name, unit, scale, _ = prefix.decode().split("\0")
    return PoolId(name, unit, int(scale))


def _pool_row(state: State, pool: Pool) -> PoolRow:
    value = state.get(_pool_key(pool))
    return PoolRow() if value is None else PoolRow(*value)


def _pool_key(pool: Pool) -> bytes:
    return POOL + id_of(pool).to_bytes()
