"""Distribution: at each cut, the pools that are due are split among the members.

Only what a cut covers takes part; what is booked late takes part from its cut on, and nothing that
was paid changes. A split that fails carries its pool to the next height. What a correction changes
of an income that was split is written as lines of the current height (`income_corrections`), and
the sum for each member is their claim (`claims`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from commonweal.protocol.errors import RuleError
from commonweal.protocol.ledger.claims import claims
from commonweal.protocol.ledger.claims.part_rows import parts_taken, put_part
from commonweal.protocol.ledger.claims.pools import (
    PAID,
    PAST,
    TAKEN,
    PayoutWriter,
    PoolId,
    PoolRow,
    ReceivedRow,
    SplitRow,
    clamped,
    end_waiting,
    income_row,
    pool_id,
    pool_row,
    put_pool,
    put_split,
    wait,
    waiting_incomes,
)
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.contributions.value import (
    event_fields,
)
from commonweal.protocol.ledger.governance import active_ruleset, giving_rounds
from commonweal.protocol.ledger.governance.enactment import REST, VALUED_BY
from commonweal.protocol.ledger.members import agents, registry, roles
from commonweal.protocol.ledger.sharing.income_corrections import restore_turns
from commonweal.protocol.ledger.sharing.valuation import (
    REFERRED,
    WORTH,
    Sources,
    ValueRow,
    postpone,
    value_events,
)
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row, unvalued_events
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.rules.document import Pool, Ruleset
from commonweal.protocol.rules.environment import EMPTY_EVENT
from commonweal.protocol.rules.sections.data import TO_DATA
from commonweal.protocol.rules.split import (
    NEEDS_ATTEST,
    Contribution,
    Income,
    PastSplit,
    Referral,
    Split,
    SplitInputs,
    reads_event,
    split,
)
from commonweal.protocol.vocabulary.payout_line import BY_POINTS
from commonweal.protocol.vocabulary.rule_params import RuleParams

EVENTS_LOOKED_AT_MAX = 50_000
"""How many waiting events one cut looks at because the rules changed; those after them wait."""

FOLD_OF_BOUND = 2
"""Older folds looked at all of them in one cut."""

PAST_MAX = 100
"""How many earlier splits of a bucket arrears look back on."""


def share(
    state: State,
    cut: CutHeader,
    ruleset: Ruleset,
    community: CommunityId,
    touched: Iterable[bytes] = (),
) -> list[Split]:
    """Value what was attested, and split the pools that are due; return the splits.

    state: holds all that the cut covers; everything is written to it. touched: as `book` returns
    it. Under another ruleset than last time, every waiting event is looked at, so many of them at
    each cut.
    """
    rest: bytes | None = state.get(REST)
    if state.get(VALUED_BY) != ruleset.id:
        state.put(VALUED_BY, ruleset.id)
        rest = b""
    if rest is not None:
        state.delete(REST)
        touched = [*touched, *_next_events(state, cut, rest)]
    writer = PayoutWriter(state, cut.height)
    sources = Sources(state)
    incomes = value_events(writer, cut, ruleset, community, touched, sources)
    restore_turns(writer)
    splits: list[Split] = []
    trusted_ms = time_jumps.trusted_ms(state, cut.time_ms)
    for pool in ruleset.pools:
        id = pool_id(pool)
        row = pool_row(state, id)
        came = incomes.get(id, [])
        total = row.carried + sum(income.amount for income in came)
        is_due = total > 0 and trusted_ms - row.split_ms >= pool.every_ms
        is_due = is_due and not giving_rounds.is_waiting(state, pool)
        late, held = _waiting(state, pool, sources) if is_due else ([], 0)
        if not is_due or total <= held:
            if came:
                put_pool(state, id, row._replace(carried=total))
            _let_wait(state, id, came)
            continue
        carried = row.carried - held - sum(income.amount for income in late)
        inputs = _split_inputs(
            *(state, cut, pool, carried, (*came, *late)),
            *(community, active_ruleset.rules_of(ruleset)),
        )
        try:
            done = split(pool, inputs)
        except RuleError as error:
            put_pool(state, id, row._replace(carried=total, error=error.sentence))
            _let_wait(state, id, came)
            continue
        for income in late:
            _end_waiting(state, income, cut.height)
        _write_split(writer, cut, ruleset, pool, inputs, done, held)
        splits.append(done)
    claims.create_claims(state, cut.height, ruleset.id, community, writer.sums)
    return splits


def _next_events(state: State, cut: CutHeader, start: bytes) -> list[bytes]:
    """Return the events from `start` on that wait for a value and are looked at now."""
    waiting = unvalued_events(state, start)
    if cut.fold < FOLD_OF_BOUND:
        return [*waiting]
    now = [*islice(waiting, EVENTS_LOOKED_AT_MAX)]
    rest = next(waiting, None)
    if rest is not None:
        postpone(state, rest)
    return now


def _let_wait(state: State, pool: PoolId, incomes: Iterable[Income]) -> None:
    """Let the traced incomes of a pool that is not split keep what earned them."""
    for income in incomes:
        if income.upstream is not None:
            wait(state, pool, income.id)


def _waiting(state: State, pool: Pool, sources: Sources) -> tuple[list[Income], int]:
    """Return the incomes that waited for a split, and how much waits on, for lack of steps."""
    late: list[Income] = []
    held = 0
    for event, row in waiting_incomes(state, pool_id(pool)).items():
        given = event_row(state, event)
        assert given is not None, "an income is an event"
        source = sources.of(given, pool)
        if source and sources.is_spent:
            held += row.amount
            continue
        upstream = sources.upstream(source) if source else None
        late.append(Income(event, row.amount, upstream, source))
    return late, held


def _end_waiting(state: State, income: Income, height: int) -> None:
    row = income_row(state, income.id)
    assert row is not None, "what waited is an income"
    end_waiting(state, income.id, row, None if income.upstream is None else height)


def _split_inputs(
    state: State,
    cut: CutHeader,
    pool: Pool,
    carried: int,
    incomes: tuple[Income, ...],
    community: CommunityId,
    rules: RuleParams,
) -> SplitInputs:
    """Return what the split of a pool reads."""
    contributions = tuple(_contributions(state, community, rules, pool))
    members = [
        key[1:] for key, value in state.items(registry.MEMBER) if value[0] == registry.ACTIVE
    ]
    named = dict.fromkeys([*(bucket.role for bucket in pool.buckets), pool.commission_role])
    prefix = pool_id(pool).to_bytes()
    return SplitInputs(
        height=cut.height,
        time_ms=cut.time_ms,
        seed=cut.prev,
        community=community,
        carried=carried,
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
        points={
            bucket.name: giving_rounds.points_of(state, pool, bucket.name)
            for bucket in pool.buckets
            if bucket.to in ("round", TO_DATA)
        },
        parts={
            (bucket.name, event): parts
            for bucket in pool.buckets
            if bucket.trace and bucket.claim == "once"
            for event, parts in parts_taken(state, pool_id(pool), bucket.name).items()
        },
        past={
            bucket.name: tuple(_pasts(state, prefix + bucket.name.encode() + b"\0"))
            for bucket in pool.buckets
        },
    )


def _contributions(
    state: State, community: CommunityId, rules: RuleParams, pool: Pool
) -> Iterator[Contribution]:
    """Yield what has a value, with as much of it as the split of a pool reads."""
    is_event_read = any(map(reads_event, pool.buckets))
    is_yes_read = pool.late == NEEDS_ATTEST
    for key, value in state.items(WORTH):
        given, event = ValueRow(*value), key[1:]
        row = event_row(state, event)
        assert row is not None, "what has a value is known"
        # An outside agent's contribution waits until a member claims the agent.
        member = agents.person(state, given.member)
        if given.points and state.get(registry.MEMBER + member) is not None:
            yes = attestation.attesters(state, event)[0] if is_yes_read else 1
            # The member who claimed the agent may have attested its contribution before.
            if member != given.member and not attestation.is_attested(state, event, rules):
                continue
            seen = event_fields(state, community, event, row) if is_event_read else EMPTY_EVENT
            booked, valued = (row.height, row.time_ms), (given.height, given.time_ms)
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


def _write_split(
    writer: PayoutWriter,
    cut: CutHeader,
    ruleset: Ruleset,
    pool: Pool,
    inputs: SplitInputs,
    done: Split,
    held: int,
) -> None:
    """Write what a split gives, and what the next split has to know. held: what it left alone."""
    state, id = writer.state, pool_id(pool)
    split_ms = cut.time_ms if done.lines else pool_row(state, id).split_ms
    put_pool(state, id, PoolRow(done.carried + held, split_ms))
    prefix = id.to_bytes()
    for (bucket, event), amount in sorted(done.taken.items()):
        if inputs.taken.get((bucket, event)) != amount:
            key = TAKEN + prefix + bucket.encode() + b"\0" + event
            was = state.get(key)
            first = cut.height if was is None else ReceivedRow(*was).height
            state.put(key, [*ReceivedRow(amount, first)])
    for (bucket, event, source), part in sorted(done.parts.items()):
        put_part(state, id, bucket, event, cut.height, source, part)
    for (bucket, height), past in sorted(done.past.items()):
        key = PAST + prefix + bucket.encode() + b"\0" + height.to_bytes(8)
        state.put(key, [past.amount, clamped(past.points)])
    for line in done.lines:
        if line.sort in ("share", "arrears"):
            key = PAID + prefix + line.bucket.encode() + b"\0" + line.member
            paid = (state.get(key) or 0) + line.amount + line.commissions
            state.put(key, clamped(paid))
        points = inputs.points.get(line.bucket, {}).get(line.member)
        writer.write(id, ruleset.id, line, points and points.givers)
    for bucket in dict.fromkeys(line.bucket for line in done.lines if line.sort in BY_POINTS):
        giving_rounds.forget_points(state, pool, bucket)
    if done.lines:
        traced = sum(income.amount for income in inputs.incomes if income.upstream is not None)
        makers = [bucket for bucket in pool.buckets if bucket.to == "contributors"]
        tracing = [bucket.name for bucket in makers if bucket.trace]
        debts = [bucket.name for bucket in makers if bucket.claim == "debt"]
        once = [
            bucket.name
            for bucket in pool.buckets
            if bucket.to in ("round", TO_DATA) or (bucket in makers and bucket.claim == "once")
        ]
        untraced = max(0, done.total - traced)
        row = SplitRow(done.total, untraced, done.carried, tracing, debts, once, [])
        put_split(state, id, cut.height, row)
