"""How much of a contribution takes part: exact, at most the whole, in bounded numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from commonweal.protocol.rules.split import Income
from commonweal.protocol.rules.split.parts import (
    SCALE_MAX,
    owed_points,
    shown_units,
    taking_part,
    units,
    whole_points,
)
from commonweal.protocol.vocabulary.payout_line import PART_UNITS
from tests.protocol.rules.pools import JUN, MEI, bucket, gave, pool

ONE, OTHER = b"1" * 32, b"2" * 32


def test_weights_are_points_where_parts_of_them_are_whole() -> None:
    shares = [(gave(1, MEI, 10), Fraction(1, 2)), (gave(2, JUN, 190), Fraction(1))]
    assert [share.points for share in whole_points(shares)] == [5, 190]
    shares[0] = (gave(1, MEI, 10), Fraction(1, 4))
    assert [share.points for share in whole_points(shares)] == [5, 380]


def test_points_are_multiplied_by_so_much_and_no_more() -> None:
    most = gave(1, MEI, 2**63 - 1)
    fine = [Fraction(1, 3**k) for k in (160, 161, 162)]
    shares = whole_points((replace(most, id=bytes([n]) * 32), part) for n, part in enumerate(fine))
    assert [share.points for share in shares] == [
        (2**63 - 1) * SCALE_MAX // 3**k for k in (160, 161, 162)
    ]
    tiny = [(gave(1, MEI, 1), Fraction(1, SCALE_MAX + 1)), (gave(2, JUN, 1), Fraction(1))]
    assert [share.member for share in whole_points(tiny)] == [JUN]


@pytest.mark.parametrize(
    ("earlier", "part"),
    [
        ({}, Fraction(1, 2)),
        ({ONE: PART_UNITS // 4}, Fraction(1, 4)),
        ({ONE: PART_UNITS // 2}, Fraction(0)),
        ({ONE: PART_UNITS}, Fraction(0)),
        ({OTHER: PART_UNITS // 2}, Fraction(1, 2)),
        ({OTHER: PART_UNITS * 3 // 4}, Fraction(1, 4)),
        ({OTHER: 2 * PART_UNITS}, Fraction(0)),
    ],
)
def test_once_leaves_of_a_part_what_no_income_had(
    earlier: dict[bytes, int], part: Fraction
) -> None:
    income = Income(b"i" * 32, 1, {ONE: Fraction(1, 2)}, ONE)
    once, equity = (
        pool(bucket(trace=True, claim=claim)).buckets[0] for claim in ("once", "equity")
    )
    taken = {(once.name, ONE): earlier}
    assert taking_part(once, income, ONE, taken) == part
    assert taking_part(equity, income, ONE, taken) == Fraction(1, 2)
    assert taking_part(once, income, OTHER, {}) == 0


def test_what_took_part_is_rounded_up_so_that_nothing_is_left_of_the_whole() -> None:
    third = units(Fraction(1, 3))
    assert third * 3 >= PART_UNITS > third * 3 - 3
    assert units(Fraction(1)) == PART_UNITS


def test_a_debt_is_owed_for_its_part_and_never_beyond_it() -> None:
    owed = gave(1, MEI, 100)
    for got, part, points in ((0, Fraction(1, 3), [33]), (90, Fraction(1, 3), [100])):
        shares = owed_points([(owed, part)], {owed.id: got})
        assert [share.points for share in shares] == points
    assert owed_points([(owed, Fraction(1, 101))], {owed.id: 0}) == []


def test_a_line_shows_parts_where_not_all_are_whole() -> None:
    assert shown_units([Fraction(1), Fraction(1)]) == ()
    assert shown_units([Fraction(1), Fraction(2, 3)]) == (PART_UNITS, 666_666_666_666_666_666)
