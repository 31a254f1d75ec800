"""Distribution: at each cut, what is worth something gets its value, and pools are split.

Only what a cut covers takes part; what is booked late takes part from its cut on, and
nothing that was paid changes. An event counts once it is attested as the rules ask. An
error in a split carries the pool to the next height; an error in a value is worth 0, and
is shown. What a correction changes of an income that was split is written now
(`corrections`), and what all of it comes to for each member is his claim (`claims`).
State: q events booked, b not valued yet (since when it was, if it is corrected), w values,
Y referrals; pools and lines in `pools`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from commonweal.protocol.codec import INT_MIN
from commonweal.protocol.errors import RuleError
from commonweal.protocol.ledger.claims import claims
from commonweal.protocol.ledger.claims.pools import (
    INCOME,
    PAID,
    PAST,
    TAKEN,
    IncomeRow,
    PayoutWriter,
    PoolId,
    PoolRow,
    ReceivedRow,
    SplitRow,
    clamped,
    income_row,
    pool_row,
    put_income,
    put_pool,
    put_split,
)
from commonweal.protocol.ledger.contributions import attestation, consent
from commonweal.protocol.ledger.contributions.trace import FlowNode, trace
from commonweal.protocol.ledger.contributions.value import (
    amount_in,
    event_fields,
    income_pool,
    value_points,
)
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.governance.enactment import REST, VALUED_BY
from commonweal.protocol.ledger.members import agents, registry, roles
from commonweal.protocol.ledger.sharing.income_corrections import correct_income, restore_turns
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.context import is_bytes
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import CommunityId, Record, with_data
from commonweal.protocol.rules.document import Pool, Ruleset
from commonweal.protocol.rules.expression import Tank
from commonweal.protocol.rules.split import (
    AMOUNT_MAX,
    Contribution,
    Income,
    PastSplit,
    Referral,
    Split,
    SplitInputs,
    split,
)
from commonweal.protocol.vocabulary.rule_params import RuleParams

BOOKED, PENDING = Table.BOOKED.prefix, Table.PENDING.prefix
WORTH, REFERRED = Table.WORTH.prefix, Table.REFERRED.prefix

PAST_MAX = 100
"""Arrears look back over so many splits of a bucket."""

STEPS_PER_CUT_MAX = 200_000
"""So many steps lead from the incomes of one cut to what earned them; more incomes wait."""

FUEL_PER_CUT_MAX = 5_000_000
"""The rules of value and income take so much fuel for one cut; what is not valued by then waits."""


class ValueRow(NamedTuple):
    """The value of an event in the state, at the cut that found it attested.

    first_ms: when it was first valued, if it was corrected and valued anew since; only then
    the row has it.
    """

    points: int
    member: bytes
    height: int
    time_ms: int
    reason: str
    first_ms: int | None = None

    @property
    def since_ms(self) -> int:
        """The time from which on it counts as recent: a correction makes nothing newer."""
        return self.time_ms if self.first_ms is None else self.first_ms


def book(state: State, cut: CutHeader, records: Iterable[Record]) -> list[bytes]:
    """Note when the events and referrals of a cut were booked. records: those that count.

    Return the events that may have a value now: new ones, and those of which somebody said
    something.
    """
    touched: list[bytes] = []
    for record in map(with_data, sorted(records, key=lambda record: (record.clock, record.id))):
        if record.kind == "event" and "corrects" not in record.data:
            earned_by = record.data.get("earnedBy")
            source = earned_by if is_bytes(earned_by) else b""
            state.put(BOOKED + record.id, [cut.height, cut.time_ms, source])
            state.put(PENDING + record.id, True)
            touched.append(record.id)
        elif record.kind in ("event", "attest", "dispute"):
            corrected = consent.corrected_by(state, record)
            if corrected is None:
                touched += [] if record.kind == "event" else [record.data["event"]]
                continue
            touched.append(corrected)
            # What is corrected is attested, and so valued, anew; what it got it keeps.
            was = value_of(state, corrected)
            if was is not None:
                state.delete(WORTH + corrected)
                state.put(PENDING + corrected, was.since_ms)
            elif state.get(INCOME + corrected) is not None:
                state.put(PENDING + corrected, True)
        elif record.kind == "referral":
            device = registry.device_row(state, record.author)
            assert device is not None, "who wrote it was enrolled"
            state.put(REFERRED + device.member, cut.time_ms)
        elif record.kind == "member.leave":
            state.delete(VALUED_BY)  # what waited for his disputes waits no more
    return touched


def share(
    state: State,
    cut: CutHeader,
    ruleset: Ruleset,
    community: CommunityId,
    touched: Iterable[bytes] = (),
) -> list[Split]:
    """Value what was attested and split what the pools hold; return the splits.

    state: holds all that the cut covers; everything is written to it. touched: as `book`
    returns it. When the ruleset is another than last time, all that waits is looked at.
    """
    rest: bytes | None = state.get(REST)
    if state.get(VALUED_BY) != ruleset.id:
        state.put(VALUED_BY, ruleset.id)
        rest = b""
    if rest is not None:
        state.delete(REST)
        waiting = (key[1:] for key, _ in state.items(PENDING))
        touched = [*touched, *(event for event in waiting if event >= rest)]
    sheet = PayoutWriter(state, cut.height)
    incomes = _value(sheet, cut, ruleset, community, touched)
    restore_turns(sheet)
    splits: list[Split] = []
    settled_ms = time_jumps.trusted_ms(state, cut.time_ms)
    for pool in ruleset.pools:
        id = id_of(pool)
        row = pool_row(state, id)
        came = incomes.get(id, [])
        total = row.carried + sum(income.amount for income in came)
        is_due = settled_ms - row.split_ms >= pool.every_ms
        if total <= 0 or not is_due:
            if came:
                put_pool(state, id, row._replace(carried=total))
            continue
        facts = _facts(
            state, cut, pool, row, tuple(came), community, active_ruleset.rules_of(ruleset)
        )
        try:
            done = split(pool, facts)
        except RuleError as error:
            put_pool(state, id, row._replace(carried=total, error=error.sentence))
            continue
        _write(sheet, cut, ruleset, pool, facts, done)
        splits.append(done)
    claims.create_claims(state, cut.height, ruleset.id, community, sheet.sums)
    return splits


def value_of(state: State, event: bytes) -> ValueRow | None:
    """Return the value that an event was given; None while it has none."""
    value = state.get(WORTH + event)
    return None if value is None else ValueRow(*value)


def booked_at(state: State, event: bytes) -> tuple[int, int] | None:
    """Return height and time (ms) of the cut that took an event in."""
    value = state.get(BOOKED + event)
    return None if value is None else (value[0], value[1])


def _value(
    sheet: PayoutWriter,
    cut: CutHeader,
    ruleset: Ruleset,
    community: CommunityId,
    touched: Iterable[bytes],
) -> dict[PoolId, list[Income]]:
    """Give what is attested now its value; return the income of each pool."""
    state, rules = sheet.state, active_ruleset.rules_of(ruleset)
    incomes: dict[PoolId, list[Income]] = {}
    came: dict[PoolId, int] = {}
    sources, tank = _Sources(state), Tank(FUEL_PER_CUT_MAX)
    for event in sorted(dict.fromkeys(touched)):
        key = PENDING + event
        if state.get(key) is None:
            continue
        row = event_row(state, event)
        assert row is not None, "what is booked is known"
        if not attestation.is_attested(state, event, rules) or row.disputes:
            continue
        known = income_row(state, event)
        if known is not None:
            amount = amount_in(known.pool.scale, row)
            if _has_room(sheet, known.pool, came.get(known.pool, 0), amount - known.amount):
                _correct(sheet, cut, event, known, amount)
                state.delete(key)
            continue
        if tank.left <= 0:
            _leave(state, event)
            break
        value = event_fields(state, community, event, row)
        pool = income_pool(ruleset, value, tank)
        if pool is not None and row.quantity is not None:
            id, amount = id_of(pool), amount_in(pool.scale, row)
            source = sources.of(event, pool)
            if source and sources.is_spent:
                _leave(state, event)
            elif _has_room(sheet, id, came.get(id, 0), amount):
                upstream = sources.upstream(source) if source else None
                incomes.setdefault(id, []).append(Income(event, amount, upstream))
                came[id] = came.get(id, 0) + amount
                new = IncomeRow(id, cut.height, amount, amount, upstream is not None)
                put_income(state, event, new)
                state.delete(key)
            continue
        given = value_points(ruleset, value, tank)
        if given is None:
            # A rule that comes later may give it a value.
            continue
        member = agents.person(state, row.provider)
        given_row = [given.points, member, cut.height, cut.time_ms, given.reason]
        first_ms = state.get(key)
        state.put(WORTH + event, given_row if first_ms is True else [*given_row, first_ms])
        state.delete(key)
    return incomes


def _leave(state: State, event: bytes) -> None:
    """Let the next cut, which is due at once, go on with this event and those after it."""
    if state.get(REST) is None:
        state.put(REST, event)


def _has_room(sheet: PayoutWriter, pool: PoolId, came: int, more: int) -> bool:
    """Whether a cut can give so much more from a pool; what it cannot waits to be corrected."""
    held = pool_row(sheet.state, pool).carried + came + sheet.given.get(pool, 0)
    return more <= 0 or held + more <= AMOUNT_MAX


def _correct(
    sheet: PayoutWriter, cut: CutHeader, event: bytes, known: IncomeRow, amount: int
) -> None:
    """Let an income that a pool had be so much, and give or take what that changes."""
    state = sheet.state
    more = amount - known.amount
    left = correct_income(sheet, event, known, more, cut.prev)
    put_income(state, event, known._replace(amount=amount))
    row = pool_row(state, known.pool)
    put_pool(state, known.pool, row._replace(carried=clamped(row.carried + left, INT_MIN)))


class _Sources:
    """What the incomes of one cut were earned by; each walk is made once, and counts each time."""

    def __init__(self, state: State) -> None:
        self._state, self._left = state, STEPS_PER_CUT_MAX
        self._known: dict[bytes, frozenset[bytes]] = {}

    @property
    def is_spent(self) -> bool:
        """Whether no more steps may be made for this cut."""
        return self._left <= 0

    def of(self, event: bytes, pool: Pool) -> bytes:
        """Return what an income was earned by; nothing where it says none or nobody asks."""
        source: bytes = self._state.get(BOOKED + event)[2]
        return source if any(bucket.trace for bucket in pool.buckets) else b""

    def upstream(self, source: bytes) -> frozenset[bytes]:
        """Return the events behind a source."""
        events = self._known.get(source)
        if events is None:
            steps = trace(self._state, source)
            events = frozenset(step.id for step in steps if step.sort is FlowNode.EVENT)
            self._known[source] = events
        self._left -= len(events)
        return events


def _facts(
    state: State,
    cut: CutHeader,
    pool: Pool,
    row: PoolRow,
    incomes: tuple[Income, ...],
    community: CommunityId,
    rules: RuleParams,
) -> SplitInputs:
    """Gather what the split of a pool reads."""
    contributions = tuple(_contributions(state, community, rules))
    members = [
        key[1:] for key, value in state.items(registry.MEMBER) if value[0] == registry.ACTIVE
    ]
    named = dict.fromkeys([*(bucket.role for bucket in pool.buckets), pool.commission_role])
    prefix = id_of(pool).to_bytes()
    return SplitInputs(
        height=cut.height,
        time_ms=cut.time_ms,
        seed=cut.prev,
        community=community,
        carried=row.carried,
        incomes=incomes,
        contributions=contributions,
        holders={
            role: tuple(member for member in members if roles.holds(state, member, role))
            for role in named
            if role
        },
        referrals=dict(_referrals(state)),
        taken={key: row[0] for key, row in _by_bucket(state, TAKEN + prefix)},
        paid=dict(_by_bucket(state, PAID + prefix)),
        past={
            bucket.name: tuple(_pasts(state, prefix + bucket.name.encode() + b"\0"))
            for bucket in pool.buckets
        },
    )


def _contributions(
    state: State, community: CommunityId, rules: RuleParams
) -> Iterator[Contribution]:
    for key, value in state.items(WORTH):
        given, event = ValueRow(*value), key[1:]
        row = event_row(state, event)
        assert row is not None, "what has a value is known"
        booked = booked_at(state, event)
        assert booked is not None, "what has a value was booked"
        # What an agent outside gave waits for whoever claims it.
        member = agents.person(state, given.member)
        if given.points and state.get(registry.MEMBER + member) is not None:
            yes, _ = attestation.attesters(state, event)
            # Who claims an agent since may have been the one who attested what it gave.
            if member != given.member and not attestation.is_attested(state, event, rules):
                continue
            seen = event_fields(state, community, event, row)
            valued = (given.height, given.time_ms)
            yield Contribution(
                event, member, given.points, booked, valued, yes, seen, given.first_ms
            )


def _referrals(state: State) -> Iterator[tuple[bytes, Referral]]:
    for key, time_ms in state.items(REFERRED):
        yield key[1:], Referral(state.get(agents.REFERRER + key[1:]), time_ms)


def _by_bucket(state: State, prefix: bytes) -> Iterator[tuple[tuple[str, bytes], Any]]:
    for key, value in state.items(prefix):
        bucket, _, id = key[len(prefix) :].partition(b"\0")
        yield (bucket.decode(), id), value


def _pasts(state: State, prefix: bytes) -> list[PastSplit]:
    totals = [
        PastSplit(int.from_bytes(key[-8:]), *value) for key, value in state.items(PAST + prefix)
    ]
    return totals[-PAST_MAX:]


def _write(
    sheet: PayoutWriter,
    cut: CutHeader,
    ruleset: Ruleset,
    pool: Pool,
    facts: SplitInputs,
    done: Split,
) -> None:
    """Write what a split gives, and what the next one has to know."""
    state, id = sheet.state, id_of(pool)
    split_ms = cut.time_ms if done.lines else pool_row(state, id).split_ms
    put_pool(state, id, PoolRow(done.carried, split_ms))
    prefix = id.to_bytes()
    for (bucket, event), amount in sorted(done.taken.items()):
        if facts.taken.get((bucket, event)) != amount:
            key = TAKEN + prefix + bucket.encode() + b"\0" + event
            was = state.get(key)
            first = cut.height if was is None else ReceivedRow(*was).height
            state.put(key, [*ReceivedRow(amount, first)])
    for (bucket, height), past in sorted(done.past.items()):
        key = PAST + prefix + bucket.encode() + b"\0" + height.to_bytes(8)
        state.put(key, [past.amount, clamped(past.points)])
    for line in done.lines:
        if line.sort in ("share", "arrears"):
            key = PAID + prefix + line.bucket.encode() + b"\0" + line.member
            paid = (state.get(key) or 0) + line.amount + line.commissions
            state.put(key, clamped(paid))
        sheet.write(id, ruleset.id, line)
    if done.lines:
        traced = sum(income.amount for income in facts.incomes if income.upstream is not None)
        makers = [bucket for bucket in pool.buckets if bucket.to == "contributors"]
        tracing = [bucket.name for bucket in makers if bucket.trace]
        debts, once = (
            [bucket.name for bucket in makers if bucket.claim == c] for c in ("debt", "once")
        )
        untraced = max(0, done.total - traced)
        row = SplitRow(done.total, untraced, done.carried, tracing, debts, once, [])
        put_split(state, id, cut.height, row)


def id_of(pool: Pool) -> PoolId:
    """Return what a pool is known by."""
    return PoolId(pool.name, pool.unit, pool.scale)
