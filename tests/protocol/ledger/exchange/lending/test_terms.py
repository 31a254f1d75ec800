"""Terms and blocks of things: who writes them, in which form, and how many there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.lending.blocks import BLOCKS_MAX, blocks_of
from commonweal.protocol.ledger.exchange.lending.calendar_slots import (
    BUFFER_MS_MAX,
    LENGTH_MS_MAX,
)
from commonweal.protocol.ledger.exchange.lending.quotas import PERIOD_DAYS_MAX
from commonweal.protocol.ledger.exchange.lending.terms import (
    AHEAD_MS_MAX,
    CAPACITY_MAX,
    FEE_MAX,
    ROLES_MAX,
    UTC_OFFSET_MINUTES_MAX,
    Fee,
    terms_row,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, Role, RuleParams
from tests.protocol.ledger.exchange.lending.test_bookings import common_bike
from tests.protocol.ledger.library import HOUR_MS, MINUTE_MS, Library, at

NINE = [f"role {number}" for number in range(ROLES_MAX + 1)]
RULES = replace(DEFAULT_PARAMS, roles={**DEFAULT_PARAMS.roles, **dict.fromkeys(NINE, Role())})

HOSTED = replace(DEFAULT_PARAMS, roles={**DEFAULT_PARAMS.roles, "host": Role()})


def fee(n: Any = 1, per_ms: Any = HOUR_MS, unit: str = "coin") -> dict[str, Any]:
    return {"quantity": {"n": n, "scale": 0, "unit": unit}, "per_ms": per_ms}


SOUND: list[dict[str, Any]] = [
    {},
    {"accepts": ["consumer"]},
    {"accepts": NINE[:ROLES_MAX]},
    {"capacity": CAPACITY_MAX, "buffer_ms": BUFFER_MS_MAX, "ahead_ms": AHEAD_MS_MAX},
    {"min_ms": LENGTH_MS_MAX, "max_ms": LENGTH_MS_MAX},
    {"fee": fee(FEE_MAX, MINUTE_MS), "late_fee": fee(1, LENGTH_MS_MAX)},
    {"days_max": PERIOD_DAYS_MAX, "per": PERIOD_DAYS_MAX, "utc_offset_minutes": -14 * 60},
    {"days_max": 1, "per": "week", "utc_offset_minutes": UTC_OFFSET_MINUTES_MAX},
    {"days_max": 31, "per": "month"},
]
WRONG: list[tuple[dict[str, Any], Reason]] = [
    ({"accepts": None}, Reason.SHAPE),
    ({"accepts": "everybody"}, Reason.SHAPE),
    ({"accepts": []}, Reason.SHAPE),
    ({"accepts": ["promoter", "consumer"]}, Reason.SHAPE),
    ({"accepts": ["consumer", "consumer"]}, Reason.SHAPE),
    ({"accepts": ["ask", 3]}, Reason.SHAPE),
    ({"accepts": ["driver"]}, Reason.UNKNOWN_ROLE),
    ({"accepts": NINE}, Reason.SHAPE),
    ({"capacity": 0}, Reason.SHAPE),
    ({"capacity": CAPACITY_MAX + 1}, Reason.SHAPE),
    ({"capacity": True}, Reason.SHAPE),
    ({"min_ms": 0}, Reason.SHAPE),
    ({"min_ms": 2, "max_ms": 1}, Reason.SHAPE),
    ({"max_ms": LENGTH_MS_MAX + 1}, Reason.SHAPE),
    ({"buffer_ms": -1}, Reason.SHAPE),
    ({"buffer_ms": BUFFER_MS_MAX + 1}, Reason.SHAPE),
    ({"ahead_ms": AHEAD_MS_MAX + 1}, Reason.SHAPE),
    ({"fee": 5}, Reason.SHAPE),
    ({"fee": {"quantity": 5, "per_ms": HOUR_MS}}, Reason.SHAPE),
    ({"fee": fee(0)}, Reason.SHAPE),
    ({"fee": fee(FEE_MAX + 1)}, Reason.SHAPE),
    ({"fee": fee(per_ms=MINUTE_MS - 1)}, Reason.SHAPE),
    ({"late_fee": fee(per_ms=LENGTH_MS_MAX + 1)}, Reason.SHAPE),
    ({"late_fee": fee(unit="furlong")}, Reason.UNKNOWN_UNIT),
    ({"days_max": 1}, Reason.SHAPE),
    ({"per": "week"}, Reason.SHAPE),
    ({"days_max": 0, "per": "week"}, Reason.SHAPE),
    ({"days_max": 1, "per": "year"}, Reason.SHAPE),
    ({"days_max": 1, "per": 0}, Reason.SHAPE),
    ({"days_max": 1, "per": PERIOD_DAYS_MAX + 1}, Reason.SHAPE),
    ({"days_max": PERIOD_DAYS_MAX + 1, "per": "month"}, Reason.SHAPE),
    ({"utc_offset_minutes": UTC_OFFSET_MINUTES_MAX + 1}, Reason.SHAPE),
    ({"resource": b"\0" * 31}, Reason.SHAPE),
    ({"resource": b"\0" * 32}, Reason.UNKNOWN_RESOURCE),
    ({"replaces": "last"}, Reason.SHAPE),
    ({"replaces": b"\0" * 32}, Reason.TERMS_REPLACED),
]


@pytest.mark.parametrize("said", SOUND)
def test_terms_in_their_form_count(said: dict[str, Any]) -> None:
    made = Library(RULES)
    assert made.verdict(made.terms(**said)) is None


@pytest.mark.parametrize(("said", "reason"), WRONG)
def test_terms_in_another_form_do_not(said: dict[str, Any], reason: Reason) -> None:
    made = Library(RULES)
    assert made.verdict(made.terms(**said)) is reason


def test_terms_without_numbers_have_the_widest() -> None:
    made = Library()
    terms = made.terms()
    row = terms_row(made.state, made.bike.id)
    assert row is not None
    assert row[:3] == (terms.id, made.jun.owner.id, terms.clock)
    assert row[3:9] == ([], 1, 1, LENGTH_MS_MAX, 0, AHEAD_MS_MAX)
    assert row[9:] == (None, None, None, None, 0)


def test_only_who_has_a_thing_writes_its_terms() -> None:
    made = Library()
    assert made.verdict(made.terms(pen=made.lin)) is Reason.NOT_YOURS
    assert made.verdict(made.terms()) is None
    block = made.block(at(1), at(2), pen=made.lin)
    assert made.verdict(block) is Reason.NOT_YOURS


def test_who_borrows_a_thing_writes_no_terms_of_it() -> None:
    made = Library()
    made.terms()
    out = made.booked(made.lin, at(1), at(2)).hand_out()
    assert made.verdict(made.terms(thing=out, pen=made.lin)) is Reason.NOT_YOURS


def test_any_member_writes_terms_of_the_commons_where_no_role_is_named() -> None:
    made = common_bike()
    first = next(record for record in made.records if record.kind == "resource.terms")
    assert made.verdict(made.terms(pen=made.ana, replaces=first.id, capacity=2)) is None


@pytest.mark.parametrize(
    "rules",
    [
        replace(HOSTED, keeper="host"),
        replace(HOSTED, speaks_for_community="host"),
    ],
)
def test_who_keeps_or_speaks_writes_terms_of_the_commons(rules: RuleParams) -> None:
    made = common_bike()
    first = next(record for record in made.records if record.kind == "resource.terms")
    made.seal(at(0, 1))
    made.rules = rules
    assert made.verdict(made.terms(pen=made.ana, replaces=first.id)) is Reason.NOT_YOURS
    made.ana.write("role.claim", {"role": "host"}, made.records[-1:])
    assert made.verdict(made.terms(pen=made.ana, replaces=first.id)) is None


def test_terms_replace_those_in_force_and_no_others() -> None:
    made = Library()
    first = made.terms()
    assert made.verdict(made.terms(capacity=2)) is Reason.TERMS_REPLACED
    second = made.terms(capacity=3, replaces=first.id)
    assert made.verdict(second) is None
    # Written apart from the second: the first are in force no more.
    assert made.verdict(made.terms(capacity=4, replaces=first.id)) is Reason.TERMS_REPLACED
    row = terms_row(made.state, made.bike.id)
    assert row is not None
    assert row.capacity == 3


def test_a_booking_stands_when_the_terms_change() -> None:
    made = Library()
    first = made.terms()
    booking = made.booked(made.lin, at(1), at(3))
    made.terms(max_ms=HOUR_MS, replaces=first.id)
    assert booking.status == "agreed"


def test_fees_are_for_started_units() -> None:
    hourly = Fee([3, 0, "coin"], HOUR_MS)
    lengths = {0: 0, 1: 3, HOUR_MS: 3, HOUR_MS + 1: 6, 10 * HOUR_MS: 30, -5: 0}
    assert {length: hourly.times(length, 1_000) for length in lengths} == lengths
    assert hourly.times(5_000 * HOUR_MS, 1_000) == 3_000


BLOCKS_WRONG: list[tuple[dict[str, Any], Reason]] = [
    ({"sort": "holiday"}, Reason.SHAPE),
    ({"sort": ["repair"]}, Reason.SHAPE),
    ({"begin": None}, Reason.SHAPE),
    ({"begin": -1}, Reason.SHAPE),
    ({"end": at(1)}, Reason.SHAPE),
    ({"end": at(1) - 1}, Reason.SHAPE),
    ({"end": "never"}, Reason.SHAPE),
    ({"sort": "lifted"}, Reason.SHAPE),
    ({"sort": "lifted", "replaces": bytes(32)}, Reason.UNKNOWN_BLOCK),
    ({"replaces": bytes(32)}, Reason.UNKNOWN_BLOCK),
    ({"replaces": 7}, Reason.SHAPE),
    ({"resource": bytes(32)}, Reason.UNKNOWN_RESOURCE),
    ({"resource": "bike"}, Reason.SHAPE),
]


@pytest.mark.parametrize(("said", "reason"), BLOCKS_WRONG)
def test_blocks_in_another_form_do_not_count(said: dict[str, Any], reason: Reason) -> None:
    made = Library()
    data = {"resource": made.bike.id, "sort": "repair", "begin": at(1), "end": at(2)} | said
    assert made.verdict(made.jun.write("resource.block", data, [made.bike])) is reason


def test_a_block_is_replaced_and_lifted() -> None:
    made = Library()
    block = made.block(at(1), at(2))
    data = {"resource": made.bike.id, "sort": "hint", "begin": at(1), "replaces": block.id}
    hint = made.jun.write("resource.block", data, [block])
    assert [row[:4] for row in blocks_of(made.state, made.bike.id)] == [
        (hint.id, "hint", at(1), None)
    ]
    data = {"resource": made.bike.id, "sort": "lifted", "replaces": hint.id}
    assert made.verdict(made.jun.write("resource.block", data, [hint])) is None
    assert blocks_of(made.state, made.bike.id) == []


def test_what_is_over_makes_room_for_another_block() -> None:
    made = Library()
    for number in range(BLOCKS_MAX):
        made.block(at(1, 0, number), at(2))
    assert made.verdict(made.block(at(5), at(6))) is Reason.TOO_MANY_BLOCKS
    made.seal(at(2) - 1)
    assert made.verdict(made.block(at(5), at(6))) is Reason.TOO_MANY_BLOCKS
    made.header = replace(made.header, time_ms=at(2))
    assert made.verdict(made.block(at(7), at(8))) is None
    assert [row.begin for row in blocks_of(made.state, made.bike.id)] == [at(5), at(7)]
