"""Terms: who may book a thing, for how long, how many at once, and for what.

Record:
  resource.terms  resource; accepts: "ask", or 1..8 roles whose holders book without a second yes;
                  capacity: 1..100; min_ms, max_ms: of one booking; buffer_ms: between two;
                  ahead_ms: how far ahead it may begin; fee, late_fee: {quantity, per_ms}, for each
                  started unit of time; days_max, per: "week", "month" or a number of days;
                  utc_offset_minutes: where days begin; replaces: the terms in force
By who has the thing, or speaks for the community whose it is. A thing is the resource that terms
were first written for: as it is handed on it becomes other resources, and stays that thing. State:
9T terms, 9N where a thing is now, 9L resources that are a thing handed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange.lending.calendar_slots import (
    BUFFER_MS_MAX,
    DAY_MS,
    LENGTH_MS_MAX,
)
from commonweal.protocol.ledger.exchange.lending.quotas import (
    MINUTE_MS,
    MONTH,
    PERIOD_DAYS_MAX,
    WEEK,
    Period,
)
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import is_unit, read
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import is_name

TERMS, THING = Table.TERMS.prefix, Table.THING.prefix
HANDED_ON = Table.HANDED_ON.prefix

ASK = "ask"
ROLES_MAX = 8
CAPACITY_MAX = 100
AHEAD_MS_MAX = 2 * 366 * DAY_MS
FEE_MAX = 10**15
"""Most of a fee for one unit of time, in the smallest part of its quantity."""
UTC_OFFSET_MINUTES_MAX = 14 * 60


class Fee(NamedTuple):
    """What each started `per_ms` costs. quantity: [n, scale, unit]."""

    quantity: list[Any]
    per_ms: int

    def times(self, length_ms: int, units_max: int) -> int:
        """Return n of the fee for so long, of at most `units_max` units."""
        units = min(units_max, -(-max(0, length_ms) // self.per_ms))
        return int(self.quantity[0]) * units


class TermsRow(NamedTuple):
    """The terms of a thing in the state. accepts: roles; empty where each booking is asked.

    fee, late_fee: [quantity, per_ms]. days_max, per: a quota; None where there is none.
    """

    record: bytes
    member: bytes
    clock: int
    accepts: list[str]
    capacity: int
    min_ms: int
    max_ms: int
    buffer_ms: int
    ahead_ms: int
    fee: list[Any] | None
    late_fee: list[Any] | None
    days_max: int | None
    per: Period | None
    utc_offset_minutes: int


class ThingRow(NamedTuple):
    """A thing that has terms. at: the resource that it is at home now. slots: taken so far."""

    at: bytes
    slots: int


class HandedOnRow(NamedTuple):
    """A resource that is a thing handed on. booking: the commitment that it is out for, or empty
    where it moved to another custodian.
    """

    thing_id: bytes
    booking: bytes


def set_terms(state: State, record: Record, context: Context) -> Verdict:
    """Set or replace the terms of a thing."""
    data = record.data
    resource, replaces = data.get("resource"), data.get("replaces")
    if not is_bytes(resource) or not (replaces is None or is_bytes(replaces)):
        return Reason.SHAPE
    refused = may_manage(state, context, resource)
    if refused is not None:
        return refused
    row = _read(state, context, record)
    if isinstance(row, Reason):
        return row
    thing_id = thing_of(state, resource)
    known = terms_row(state, thing_id)
    if replaces != (None if known is None else known.record):
        return Reason.TERMS_REPLACED
    if known is None:
        state.put(THING + thing_id, [*ThingRow(resource, 0)])
    state.put(TERMS + thing_id, [*row])
    return None


def terms_row(state: State, thing_id: bytes) -> TermsRow | None:
    """Return the terms of a thing; None when it has none."""
    value = state.get(TERMS + thing_id)
    return None if value is None else TermsRow(*value)


def thing_row(state: State, thing_id: bytes) -> ThingRow | None:
    """Return where a thing with terms is; None when it has no terms."""
    value = state.get(THING + thing_id)
    return None if value is None else ThingRow(*value)


def handed_on(state: State, resource: bytes) -> HandedOnRow | None:
    """Return the row of a resource that is a thing handed on; None when it is not."""
    value = state.get(HANDED_ON + resource)
    return None if value is None else HandedOnRow(*value)


def thing_of(state: State, resource: bytes) -> bytes:
    """Return the thing that a resource is: itself, unless it was handed on from another."""
    row = handed_on(state, resource)
    return resource if row is None else row.thing_id


def custodian_of(state: State, thing_id: bytes) -> bytes | None:
    """Return the agent who lends a thing with terms: who has it when nobody borrows it."""
    row = thing_row(state, thing_id)
    resource = None if row is None else resource_row(state, row.at)
    return None if resource is None else resource.custodian


def roles_accepted(state: State, community: bytes, thing_id: bytes) -> list[str]:
    """Return the roles whose holders book a thing with terms without a second yes.

    None where the terms are not by who lends it now, unless it is the community's.
    """
    terms, where = terms_row(state, thing_id), thing_row(state, thing_id)
    home = None if where is None else resource_row(state, where.at)
    if terms is None or home is None:
        return []
    is_own = agents.person(state, home.custodian) == terms.member
    return terms.accepts if is_own or home.accountable == community else []


def may_manage(state: State, context: Context, resource: bytes) -> Verdict:
    """Return why the author may not say how a thing is lent; None when they may."""
    known = thing_row(state, thing_of(state, resource))
    row = resource_row(state, resource if known is None else known.at)
    if row is None:
        return Reason.UNKNOWN_RESOURCE
    if agents.person(state, row.custodian) == context.member:
        return None
    is_common = row.accountable == context.community
    return None if is_common and _keeps_commons(state, context) else Reason.NOT_YOURS


def _keeps_commons(state: State, context: Context) -> bool:
    """Return whether the author speaks for the community, or keeps its things."""
    keeper, speaker = context.rules.keeper, context.rules.speaks_for_community
    if keeper and roles.holds(state, context.member, keeper):
        return True
    return bool(speaker or not keeper) and roles.may_speak_for_community(state, context)


def _read(state: State, context: Context, record: Record) -> TermsRow | Reason:
    """Return the terms that a record states, or why they are none."""
    data = record.data
    accepts = _roles(context, data.get("accepts"))
    if isinstance(accepts, Reason):
        return accepts
    bounds = (
        _bound(data, "capacity", 1, 1, CAPACITY_MAX),
        _bound(data, "min_ms", 1, 1, LENGTH_MS_MAX),
        _bound(data, "max_ms", LENGTH_MS_MAX, 1, LENGTH_MS_MAX),
        _bound(data, "buffer_ms", 0, 0, BUFFER_MS_MAX),
        _bound(data, "ahead_ms", AHEAD_MS_MAX, 0, AHEAD_MS_MAX),
    )
    fee = _fee(state, context, data.get("fee"))
    late_fee = _fee(state, context, data.get("late_fee"))
    if isinstance(fee, Reason):
        return fee
    if isinstance(late_fee, Reason):
        return late_fee
    quota = _quota(data)
    least, most = -UTC_OFFSET_MINUTES_MAX, UTC_OFFSET_MINUTES_MAX
    offset = _bound(data, "utc_offset_minutes", 0, least, most)
    if None in bounds or quota is None or offset is None:
        return Reason.SHAPE
    capacity, min_ms, max_ms, buffer_ms, ahead_ms = (bound or 0 for bound in bounds)
    if min_ms > max_ms:
        return Reason.SHAPE
    return TermsRow(
        record=record.id,
        member=context.member,
        clock=record.clock,
        accepts=accepts,
        capacity=capacity,
        min_ms=min_ms,
        max_ms=max_ms,
        buffer_ms=buffer_ms,
        ahead_ms=ahead_ms,
        fee=fee,
        late_fee=late_fee,
        days_max=quota[0],
        per=quota[1],
        utc_offset_minutes=offset,
    )


def _roles(context: Context, accepts: Any) -> list[str] | Reason:
    if accepts == ASK and type(accepts) is str:
        return []
    if type(accepts) is not list or not 1 <= len(accepts) <= ROLES_MAX:
        return Reason.SHAPE
    if not all(is_name(role) for role in accepts) or sorted(dict.fromkeys(accepts)) != accepts:
        return Reason.SHAPE
    known = all(role in context.rules.roles for role in accepts)
    return accepts if known else Reason.UNKNOWN_ROLE


def _bound(data: Mapping[str, Any], key: str, usual: int, low: int, high: int) -> int | None:
    value = data.get(key, usual)
    return value if is_count(value, low, high) else None


def _fee(state: State, context: Context, said: Any) -> list[Any] | Reason | None:
    """Return [quantity, per_ms] of a fee; None when there is none."""
    if said is None:
        return None
    if type(said) is not dict:
        return Reason.SHAPE
    quantity, per_ms = read(said.get("quantity")), said.get("per_ms")
    if quantity is None or not is_count(per_ms, MINUTE_MS, LENGTH_MS_MAX):
        return Reason.SHAPE
    if not 1 <= quantity.n <= FEE_MAX:
        return Reason.SHAPE
    if not is_unit(state, context, quantity.unit):
        return Reason.UNKNOWN_UNIT
    return [[*quantity], per_ms]


def _quota(data: Mapping[str, Any]) -> tuple[int | None, Period | None] | None:
    """Return the days and the period of a quota, both None without one; None when malformed."""
    most, per = data.get("days_max"), data.get("per")
    if most is None and per is None:
        return None, None
    if not is_count(most, 1, PERIOD_DAYS_MAX):
        return None
    is_period = per in (WEEK, MONTH) if type(per) is str else is_count(per, 1, PERIOD_DAYS_MAX)
    return (most, per) if is_period else None
