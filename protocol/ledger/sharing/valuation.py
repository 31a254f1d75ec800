"""Valuation: each attested event gets its value by the rules, or becomes income of a pool.

Only what a cut covers is valued; an event counts once it is attested as the rules ask. A rule that
fails gives the value 0, with its reason. Events beyond one cut's fuel wait for the next. When an
event was booked, and whether it waits for a value, stands in its row (`things/event_row`). State: w
values, Y referrals.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from commonweal.protocol.codec import INT_MIN
from commonweal.protocol.ledger.claims.pools import (
    INCOME,
    IncomeRow,
    PayoutWriter,
    PoolId,
    clamped,
    income_row,
    pool_id,
    pool_row,
    put_income,
    put_pool,
)
from commonweal.protocol.ledger.contributions import attestation, consent
from commonweal.protocol.ledger.contributions.value import (
    EventValue,
    amount_in,
    event_fields,
    income_pool,
    value_points,
)
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.governance.enactment import REST, VALUED_BY
from commonweal.protocol.ledger.members import agents, registry
from commonweal.protocol.ledger.sharing import data_shares
from commonweal.protocol.ledger.sharing.flows import Flows
from commonweal.protocol.ledger.sharing.income_corrections import correct_income
from commonweal.protocol.ledger.sharing.milestones import note_given
from commonweal.protocol.ledger.sharing.revaluations import note_change, note_value_gone
from commonweal.protocol.ledger.sharing.used_parts import used_parts
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.context import is_bytes
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import (
    EventRow,
    event_row,
    put_pending,
    put_scoped,
)
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import campaign_of
from commonweal.protocol.ledger.ventures.projects.pools_of_projects import (
    PoolMove,
    counted,
    pool_move,
    take_in,
)
from commonweal.protocol.records.record import CommunityId, Record, with_data
from commonweal.protocol.rules.document import Pool, Ruleset
from commonweal.protocol.rules.expression import FuelBudget
from commonweal.protocol.rules.split import AMOUNT_MAX, Income

WORTH, REFERRED = Table.WORTH.prefix, Table.REFERRED.prefix

STEPS_PER_CUT_MAX = 200_000
"""How many steps of tracing one cut makes from incomes to what earned them; more incomes wait."""

FUEL_PER_CUT_MAX = 5_000_000
"""How much fuel the rules of value and income get for one cut; more events wait."""


class ValueRow(NamedTuple):
    """The value of an event in the state, as of the cut that found it attested.

    first_ms: when it was first valued, if it was corrected and valued again since; otherwise the
    row does not have it.
    """

    points: int
    member: bytes
    height: int
    time_ms: int
    reason: str
    first_ms: int | None = None

    @property
    def since_ms(self) -> int:
        """The time (ms) since which it counts as recent: a correction makes nothing newer."""
        return self.time_ms if self.first_ms is None else self.first_ms


def book(state: State, cut: CutHeader, records: Iterable[Record]) -> list[bytes]:
    """Note when the events and referrals of a cut were booked. records: those that count.

    Return the events that may have a value now: new ones, and those that somebody attested,
    disputed or corrected.
    """
    touched: list[bytes] = []
    for record in map(with_data, sorted(records, key=lambda record: (record.clock, record.id))):
        if record.kind == "event" and "corrects" not in record.data:
            earned_by = record.data.get("earnedBy")
            source = earned_by if is_bytes(earned_by) else b""
            _book(state, cut, record.id, source)
            touched.append(record.id)
        elif record.kind in ("event", "attest", "dispute"):
            corrected = consent.corrected_by(state, record)
            if corrected is None:
                touched += [] if record.kind == "event" else [record.data["event"]]
                continue
            touched.append(corrected)
            # A corrected event is attested and valued anew; it keeps what it received.
            was = value_of(state, corrected)
            if was is not None:
                first = was.first_ms is None
                given = (was.member, was.points, was.height, first)
                note_value_gone(state, cut.height, corrected, *given)
                state.delete(WORTH + corrected)
                put_pending(state, corrected, _row(state, corrected), was.since_ms)
            elif state.get(INCOME + corrected) is not None:
                put_pending(state, corrected, _row(state, corrected), True)
        elif record.kind == "referral" and "promotion" not in record.data:
            device = registry.device_row(state, record.author)
            assert device is not None, "who wrote it was enrolled"
            state.put(REFERRED + device.member, cut.time_ms)
        elif record.kind == "member.leave":
            state.delete(VALUED_BY)  # their disputes end, so disputed events may be valued
    return touched


def value_of(state: State, event: bytes) -> ValueRow | None:
    """Return the value that an event was given; None while it has none."""
    value = state.get(WORTH + event)
    return None if value is None else ValueRow(*value)


def points_of(state: State, event: bytes) -> tuple[int, bytes] | None:
    """Return the points of an event and who gave it; None while it has no value."""
    value = value_of(state, event)
    return None if value is None else (value.points, value.member)


def booked_at(state: State, event: bytes) -> tuple[int, int] | None:
    """Return height and time (ms) of the cut that covered an event; None while none does."""
    row = event_row(state, event)
    return None if row is None or not row.height else (row.height, row.time_ms)


def value_events(
    writer: PayoutWriter,
    cut: CutHeader,
    ruleset: Ruleset,
    community: CommunityId,
    touched: Iterable[bytes],
    sources: Sources,
) -> dict[PoolId, list[Income]]:
    """Value the events of `touched` that are attested now; return the income of each pool.

    An income that was split is corrected; what moves an open project's pool is in no other pool.
    """
    state, rules = writer.state, active_ruleset.rules_of(ruleset)
    incomes: dict[PoolId, list[Income]] = {}
    came: dict[PoolId, int] = {}
    shared_fuel = FuelBudget(FUEL_PER_CUT_MAX)
    for event in sorted(dict.fromkeys(touched)):
        row = event_row(state, event)
        if row is None or row.pending is None:
            continue  # it has its value, or somebody attests what is no event
        if not attestation.is_attested(state, event, rules) or row.disputes:
            continue
        data_shares.feed(state, event, ruleset)
        known = income_row(state, event)
        if known is not None:
            amount = counted(community, row, known.pool)
            if _has_room(writer, known.pool, came.get(known.pool, 0), amount, known.amount):
                _correct(writer, cut, event, known, amount)
                put_pending(state, event, row, None)
            continue
        move = pool_move(state, community, event, row)
        if move is not None:
            _move_project(state, cut, event, row, move)
            continue
        if shared_fuel.left <= 0:
            postpone(state, event)
            break
        value = event_fields(state, community, event, row)
        # What comes in for a campaign is for its purpose, and not divided.
        is_bound = campaign_of(state, row.fulfills) is not None
        pool = None if is_bound else income_pool(ruleset, value, shared_fuel)
        if pool is not None and row.quantity is not None:
            id, amount = pool_id(pool), amount_in(pool.scale, row)
            source = sources.of(row, pool)
            if source and sources.is_spent:
                postpone(state, event)
            elif _has_room(writer, id, came.get(id, 0), amount):
                upstream = sources.upstream(source) if source else None
                incomes.setdefault(id, []).append(Income(event, amount, upstream, source))
                came[id] = came.get(id, 0) + amount
                new = IncomeRow(id, cut.height, amount, amount, upstream is not None)
                put_income(state, event, new)
                put_pending(state, event, row, None)
                note_given(state, cut, row.provider)
            continue
        given = value_points(ruleset, value, shared_fuel)
        if given is not None:  # otherwise a later ruleset may give it a value
            _put_value(state, cut, event, row, given)
            note_given(state, cut, row.provider)
    return incomes


def _move_project(
    state: State, cut: CutHeader, event: bytes, row: EventRow, move: PoolMove
) -> None:
    if take_in(state, event, cut.height, move):
        put_pending(state, event, row, None)
        note_given(state, cut, row.provider)


def _put_value(
    state: State, cut: CutHeader, event: bytes, row: EventRow, given: EventValue
) -> None:
    member = agents.person(state, row.provider)
    given_row = [given.points, member, cut.height, cut.time_ms, given.reason]
    since = [] if row.pending is True else [row.pending]
    state.put(WORTH + event, [*given_row, *since])
    put_pending(state, event, row, None)


def _book(state: State, cut: CutHeader, event: bytes, source: bytes) -> None:
    row = _row(state, event)
    booked = row._replace(height=cut.height, time_ms=cut.time_ms, earned_by=source)
    put_pending(state, event, booked, True)
    put_scoped(state, event, booked)


def _row(state: State, event: bytes) -> EventRow:
    row = event_row(state, event)
    assert row is not None, "what a cut covers and counts is known"
    return row


def postpone(state: State, event: bytes) -> None:
    """Let the next cut, which is due at once, continue with this event and those after it."""
    known = state.get(REST)
    if known is None or event < known:
        state.put(REST, event)


def _has_room(writer: PayoutWriter, pool: PoolId, came: int, amount: int, was: int = 0) -> bool:
    """Return whether an income can be `amount`, and a cut give what that is more; else it waits.

    A pool below 0 has room for more than 64 bits hold, and what is less has room in any pool.
    """
    held = pool_row(writer.state, pool).carried + came + writer.given.get(pool, 0)
    more = amount - was
    return abs(amount) <= AMOUNT_MAX and (more <= 0 or held + more <= AMOUNT_MAX)


def _correct(
    writer: PayoutWriter, cut: CutHeader, event: bytes, known: IncomeRow, amount: int
) -> None:
    """Set an income to `amount`, and give or take the difference where its money went."""
    state = writer.state
    more = amount - known.amount
    left = correct_income(writer, event, known, more, cut.prev)
    put_income(state, event, known._replace(amount=amount))
    if more:
        note_change(state, cut.height, event, b"", more)
    row = pool_row(state, known.pool)
    put_pool(state, known.pool, row._replace(carried=clamped(row.carried + left, INT_MIN)))


class Sources:
    """What earned the incomes of one cut; each walk is made once, but its steps always count."""

    def __init__(self, state: State) -> None:
        self._state, self._left = state, STEPS_PER_CUT_MAX
        self._known: dict[bytes, tuple[dict[bytes, Fraction], int]] = {}

    @property
    def is_spent(self) -> bool:
        """Return whether no more steps may be made for this cut."""
        return self._left <= 0

    def of(self, row: EventRow, pool: Pool) -> bytes:
        """Return what earned an income; empty where it names nothing or no bucket traces."""
        return row.earned_by if any(bucket.trace for bucket in pool.buckets) else b""

    def upstream(self, source: bytes) -> dict[bytes, Fraction]:
        """Return the part of each event behind a source that reached it."""
        known = self._known.get(source)
        if known is None:
            flows = Flows(self._state, source, self._height_of)
            known = self._known[source] = (used_parts(flows), flows.steps)
        parts, steps = known
        self._left -= steps
        return parts

    def _height_of(self, event: bytes) -> int:
        booked = booked_at(self._state, event)
        assert booked is not None, "what a cut covers was booked"
        return booked[0]
