"""A 100 % bar: parts that sum to the whole, in widths and in percent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.language.words import ENGLISH
from commonweal.web.pictures import BarPart, Legend, share_bar
from commonweal.web.pictures.share_bar import PARTS_MAX, percentages
from tests.web.pictures.drawings import boxes, drawings, size, texts

CLAIMS = Legend("Claims", "EUR", "state", ("amount",))

amounts = st.integers(0, 2**63 - 1).map(lambda n: Decimal(n).scaleb(-2))


def of(*amounts: Decimal | str) -> list[BarPart]:
    return [BarPart(f"part {place}", Decimal(amount)) for place, amount in enumerate(amounts)]


@given(st.lists(amounts, min_size=1, max_size=12).filter(any))
def test_parts_sum_to_the_whole(found: list[Decimal]) -> None:
    picture = share_bar(CLAIMS, of(*found), ENGLISH)
    tenths = [int(row[2].text.removesuffix(" %").replace(".", "")) for row in picture.rows]
    assert sum(tenths) == 1000
    for root in drawings(picture):
        drawn = [
            box
            for place in range(1, PARTS_MAX + 1)
            for box in boxes(root, f"part-{place}")
            if size(box, "y") == 0
        ]
        widths = sum(size(box, "width") for box in drawn)
        assert widths == pytest.approx(size(root, "width"), abs=0.01 * len(drawn))


def test_each_part_has_a_line_with_its_number() -> None:
    for root in drawings(share_bar(CLAIMS, of("20", "10"), ENGLISH)):
        assert texts(root) == ["part 0", "20 EUR · 66.7 %", "part 1", "10 EUR · 33.3 %"]


def test_what_is_left_of_rounding_goes_to_the_largest_remainder() -> None:
    assert percentages(of("1", "1", "1")) == ["33.4 %", "33.3 %", "33.3 %"]


def test_of_nothing_there_are_no_parts_in_percent() -> None:
    picture = share_bar(CLAIMS, of("0", "0"), ENGLISH)
    assert [row[2].text for row in picture.rows] == ["–", "–"]


def test_parts_beyond_the_looks_are_gathered() -> None:
    within = share_bar(CLAIMS, of(*["1"] * PARTS_MAX), ENGLISH)
    assert all("other" not in " ".join(texts(root)) for root in drawings(within))
    beyond = share_bar(CLAIMS, of(*["1"] * (PARTS_MAX + 1)), ENGLISH)
    assert all("2 others" in texts(root) for root in drawings(beyond))
    assert len(beyond.rows) == PARTS_MAX + 1


def test_a_part_below_nothing_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(AssertionError):
        share_bar(CLAIMS, of("1", "-1"), ENGLISH)
