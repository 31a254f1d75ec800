"""Portions are read exactly, and thresholds are numbers of people."""

from __future__ import annotations

import pytest

from commonweal.protocol.rules import portions
from commonweal.protocol.rules.portions import Portion


@pytest.mark.parametrize(
    ("text", "portion"),
    [
        ("60%", Portion(60, 100)),
        ("12.5%", Portion(125, 1000)),
        ("2/3", Portion(2, 3)),
        (">1/2", Portion(1, 2, True)),
        ("0%", Portion(0, 100)),
        ("100%", Portion(100, 100)),
        *((bad, None) for bad in ("", "60", "60 %", "3/2", "1/0", ">1/1", ">100%", "0.5", "١%")),
        *((bad, None) for bad in ("1e2%", "+1%", "1/2%", "%", "100.1%", "9" * 17 + "%")),
    ],
)
def test_a_portion_is_read_exactly_or_not_at_all(text: str, portion: Portion | None) -> None:
    assert portions.read(text) == portion


@pytest.mark.parametrize(
    ("text", "count", "needed"),
    [
        *(("1/2", 5, 3), ("1/2", 6, 3), (">1/2", 6, 4), (">1/2", 5, 3), ("2/3", 3, 2)),
        *(("2/3", 4, 3), ("100%", 7, 7), ("1/100", 7, 1), (">0%", 7, 1)),
        *((">1/2", 0, 1), ("2/3", 0, 1)),
    ],
)
def test_a_threshold_is_a_number_of_people(text: str, count: int, needed: int) -> None:
    portion = portions.read(text)
    assert portion is not None
    assert portion.needed(count) == needed


def test_parts_of_the_whole_are_added_without_rounding() -> None:
    third = Portion(1, 3)
    assert not portions.exceeds_whole([third, third, third])
    assert portions.exceeds_whole([third, third, third, Portion(1, 1_000_000)])
