"""How actions, quantities, units and times are typed, and what is refused with a hint."""

from __future__ import annotations

import re

import pytest

from commonweal.client.language.quantity import (
    ACTIONS,
    UNITS,
    converted,
    quantity_field,
    read_action,
    read_quantity,
    read_unit,
    shown_action,
    shown_number,
    units_alike,
)
from commonweal.client.language.times import read_duration_ms
from commonweal.client.language.words import words_in
from commonweal.protocol import codec
from commonweal.protocol.errors import (
    AmbiguousUnit,
    UnknownAction,
    UnreadableQuantity,
    UnreadableTime,
    UnusableText,
)
from commonweal.protocol.vocabulary.actions import ACTIONS as EFFECTS
from commonweal.protocol.vocabulary.actions import Action

NOW_MS = 1_764_000_000_000


@pytest.mark.parametrize(
    ("typed", "n", "scale"),
    [
        ("3", 3, 0),
        ("2.5", 25, 1),
        ("2.50", 250, 2),
        ("0", 0, 0),
        ("0.001", 1, 3),
        ("３", 3, 0),
        ("３.５", 35, 1),
        ("３．５", 35, 1),
        ("٣", 3, 0),
        (" 3 ", 3, 0),
        ("9223372036854775807", 2**63 - 1, 0),
        ("0.000000001", 1, 9),
    ],
)
def test_a_quantity_is_an_integer_with_a_scale(typed: str, n: int, scale: int) -> None:
    assert read_quantity(typed, "hour") == {"n": n, "scale": scale, "unit": "hour"}


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("3,5", "3.5"),
        ("３，５", "3.5"),
        ("1,000", "1.000"),
        ("-3", "not negative"),
        ("−3", "not negative"),
        ("", ""),
        ("3.", ""),
        (".5", ""),
        ("1e3", ""),
        ("0x10", ""),
        *(("3¹", ""), ("3₁", ""), ("①", ""), ("½", "")),
        ("1_000", ""),
        ("3 5", ""),
        ("三", ""),
        ("nan", ""),
        ("9223372036854775808", "digits"),
        ("0.0000000001", "digits"),
        ("1" * 5000, "digits"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(typed: str, hint: str) -> None:
    with pytest.raises(UnreadableQuantity) as refused:
        read_quantity(typed, "hour")
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("小时", "hour"),
        ("hours", "hour"),
        ("Hour", "hour"),
        ("元", "CNY"),
        ("cny", "CNY"),
        ("€", "EUR"),
        ("円", "円"),
        ("日圆", "JPY"),
        ("yen", "JPY"),
        ("kwd", "KWD"),
        ("HK$", "HKD"),
        ("￡", "GBP"),
        ("天", "day"),
        ("次", "one"),
        ("ｋｇ", "kilogram"),
        ("公斤", "kilogram"),
        ("commits", "commit"),
        ("basket", "basket"),
        ("筐", "筐"),
    ],
)
def test_a_unit_is_stored_by_one_name(typed: str, unit: str) -> None:
    assert read_unit(typed) == unit


@pytest.mark.parametrize("typed", ["", "  ", "a\x1bb", "x" * 65, "a\nb"])
def test_a_unit_is_a_visible_word(typed: str) -> None:
    with pytest.raises(UnusableText):
        read_unit(typed)


def test_there_are_the_19_actions_of_valueflows() -> None:
    assert len(ACTIONS) == 19


@pytest.mark.parametrize(
    ("typed", "action"),
    [
        ("work", "work"),
        ("WORK", "work"),
        ("工作", "work"),
        ("生产", "produce"),
        ("消耗", "consume"),
        ("转让", "transfer"),
        ("deliverService", "deliverService"),
        ("deliver-service", "deliverService"),
        ("transferallrights", "transferAllRights"),
    ],
)
def test_an_action_is_typed_in_either_language(typed: str, action: str) -> None:
    assert read_action(typed) == action


def test_an_unknown_action_gets_the_nearest() -> None:
    with pytest.raises(UnknownAction, match="nearest is produce"):
        read_action("producing")
    with pytest.raises(UnknownAction):
        read_action("")


def test_no_two_actions_or_units_share_a_name() -> None:
    for table in (ACTIONS, UNITS):
        names = [name.lower() for one, others in table.items() for name in (one, *others)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("action", EFFECTS.values(), ids=lambda action: action.name)
def test_an_hour_counts_as_the_effect_table_says(action: Action) -> None:
    takes = {"both": "effortQuantity", "effort": "effortQuantity", "resource": "resourceQuantity"}
    assert quantity_field(action.name, "hour") == takes[action.quantity]


@pytest.mark.parametrize(
    ("action", "unit", "field"),
    [
        ("use", "kilogram", "resourceQuantity"),
        ("use", "crate", "resourceQuantity"),
        ("work", "crate", "effortQuantity"),
        ("work", "one", "resourceQuantity"),
    ],
)
def test_what_is_no_time_is_an_effort_where_nothing_else_counts(
    action: str, unit: str, field: str
) -> None:
    assert quantity_field(action, unit) == field


def test_a_unit_that_can_be_two_is_asked_for() -> None:
    for typed in ("m", "M", "ｍ"):
        with pytest.raises(AmbiguousUnit, match="metre or minute"):
            read_quantity("30", typed)


@pytest.mark.parametrize(
    ("typed", "exact"),
    [
        ((90, 0, "minute", "hour"), (15, 1)),
        ((3, 0, "minute", "hour"), (5, 2)),
        ((50, 0, "minute", "hour"), None),
        ((1, 0, "second", "hour"), None),
        ((15, 1, "hour", "minute"), (90, 0)),
        ((500, 0, "gram", "kilogram"), (5, 1)),
        ((1, 9, "gram", "kilogram"), None),
        ((codec.INT_MAX, 0, "hour", "second"), None),
    ],
)
def test_only_what_is_exact_is_converted(
    typed: tuple[int, int, str, str], exact: tuple[int, int] | None
) -> None:
    assert converted(*typed) == exact


def test_a_day_of_work_is_not_24_hours() -> None:
    assert units_alike("hour") == ["minute", "second"]
    assert units_alike("day") == units_alike("crate") == []


@pytest.mark.parametrize(
    ("n", "scale", "shown"),
    [(3, 0, "3"), (25, 1, "2.5"), (1, 3, "0.001"), (-250, 2, "-2.50"), (0, 2, "0.00")],
)
def test_a_quantity_is_shown_as_it_was_typed(n: int, scale: int, shown: str) -> None:
    assert shown_number(n, scale) == shown


@pytest.mark.parametrize(
    ("typed", "minutes"), [("30m", 30), ("12h", 720), ("7d", 10080), ("2w", 20160), ("７天", 10080)]
)
def test_a_duration_is_a_number_with_a_letter(typed: str, minutes: int) -> None:
    assert read_duration_ms(typed) == minutes * 60_000


@pytest.mark.parametrize("typed", ["", "7", "d", "0d", "-1d", "7 years", "9999999d", "1.5h", "1²d"])
def test_another_duration_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableTime):
        read_duration_ms(typed)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_shown_in_words_that_are_read_again(action: str) -> None:
    for language in ("en", "zh"):
        words = words_in(language)
        assert not re.search("[a-z][A-Z]", shown_action(action, words))
        assert read_action(shown_action(action, words), words) == action
