"""Bars: their lengths, what is below nothing, and what has no room."""

from __future__ import annotations

from decimal import Decimal

import pytest

from commonweal.client.language.words import ENGLISH, words_in
from commonweal.web.pictures import Bar, Legend, TableCell, bars, grouped_bars
from commonweal.web.pictures.bars import BARS_MAX, PAIRS_MAX
from commonweal.web.pictures.picture import NARROW, ROWS_MAX
from tests.web.pictures.drawings import boxes, drawings, size, texts

GIVEN = Legend("What members gave", "hour", "member", ("given",))
HAD = Legend("Under the new rules", "EUR", "member", ("had", "would have"))


def of(**amounts: str) -> list[Bar]:
    return [Bar(name, (Decimal(amount),)) for name, amount in amounts.items()]


def numbered(count: int) -> list[Bar]:
    return [Bar(f"m{n}", (Decimal(n),)) for n in range(1, count + 1)]


def test_bars_are_as_long_as_their_amounts() -> None:
    picture = bars(GIVEN, of(Mei="40", Bo="10", Ana="0"), ENGLISH)
    for root in drawings(picture):
        longest, quarter = boxes(root, "bar-a")
        assert size(longest, "width") == size(root, "width")
        assert size(quarter, "width") * 4 == size(root, "width")
        assert texts(root) == ["Mei", "40", "Bo", "10", "Ana", "0"]
    assert picture.columns == ("member", "given (hour)")
    assert picture.rows[1] == (TableCell("Bo"), TableCell("10", is_number=True))


def test_bars_below_nothing_go_to_the_left_of_it() -> None:
    for root in drawings(bars(GIVEN, of(Mei="30", Bo="-10"), ENGLISH)):
        gain, loss = boxes(root, "bar-a")
        zero = size(root, "width") / 4
        assert size(gain, "x") == zero == size(loss, "x") + size(loss, "width")
        assert any(path.get("class") == "line" for path in root.iter("path"))


@pytest.mark.parametrize("entries", [[], of(Mei="0"), of(Mei="0", Bo="0.00")])
def test_where_nothing_is_no_bar_is_drawn(entries: list[Bar]) -> None:
    for root in drawings(bars(GIVEN, entries, ENGLISH)):
        assert boxes(root, "bar-a") == []
        assert size(root, "height") >= 1


def test_of_many_months_the_earliest_are_gathered() -> None:
    months = [Bar(f"m{n}", (Decimal(100 - n),)) for n in range(1, BARS_MAX + 5)]
    picture = bars(GIVEN, months, ENGLISH, in_time=True)
    for root in drawings(picture):
        names = texts(root)[::2]
        assert names == ["Older ones", *(bar.name for bar in months[5:])]
        assert texts(root)[1] == str(sum(100 - n for n in range(1, 6)))
    assert [row[0].text for row in picture.rows] == [bar.name for bar in months]


def test_the_smallest_amount_can_be_seen() -> None:
    for root in drawings(bars(GIVEN, of(Mei="1000000", Bo="0.01", Ana="-0.01"), ENGLISH)):
        assert all(size(box, "width") >= 1 for box in boxes(root, "bar-a"))


def test_points_of_amounts_stand_below_each_other() -> None:
    picture = bars(GIVEN, of(Mei="12.5", Bo="3", Ana="1140.25"), ENGLISH)
    assert [row[1].text for row in picture.rows] == ["12.50", "3.00", "1,140.25"]


def test_a_number_of_any_length_keeps_its_digits() -> None:
    most = Decimal(2**63 - 1)
    picture = bars(GIVEN, [Bar("Mei", (most,)), Bar("Bo", (Decimal("0.000000001"),))], ENGLISH)
    assert picture.rows[0][1].text == "9,223,372,036,854,775,807.000000000"
    for root in drawings(picture):
        assert picture.rows[0][1].text in texts(root)


def test_as_many_bars_as_have_room_are_drawn() -> None:
    for root in drawings(bars(GIVEN, numbered(BARS_MAX), ENGLISH)):
        assert len(boxes(root, "bar-a")) == BARS_MAX
        assert "others" not in " ".join(texts(root))


def test_of_five_hundred_the_smallest_are_gathered() -> None:
    picture = bars(GIVEN, numbered(500), ENGLISH)
    rest = 500 - BARS_MAX + 1
    for root in drawings(picture):
        assert texts(root)[-2:] == [f"{rest} others", f"{rest * (rest + 1) // 2:,}"]
        assert "m500" in texts(root)
    assert len(picture.rows) == 500 == ROWS_MAX
    more = bars(GIVEN, numbered(501), ENGLISH)
    assert len(more.rows) == ROWS_MAX
    assert more.rows[-1] == (TableCell("2 others"), TableCell("3", is_number=True))


def test_a_pair_shows_both_amounts_and_the_difference() -> None:
    entries = [
        Bar("Mei", (Decimal("10.00"), Decimal("5.50"))),
        Bar("Bo", (Decimal("0.00"), Decimal("10.00"))),
        Bar("Ana", (Decimal("4.00"), Decimal("4.00"))),
    ]
    picture = grouped_bars(HAD, entries, ENGLISH)
    assert picture.columns == ("member", "had (EUR)", "would have (EUR)", "difference (EUR)")
    assert [cell.text for cell in picture.rows[0]] == ["Mei", "10.00", "5.50", "-4.50"]
    for root in drawings(picture):
        assert texts(root)[:6] == ["had", "would have", "Mei", "-4.50", "10.00", "5.50"]
        assert texts(root)[6:10] == ["Bo", "+10.00", "0.00", "10.00"]
        assert texts(root)[10:] == ["Ana", "0.00", "4.00", "4.00"]
        legend, had, same = boxes(root, "bar-a")
        _legend, would, _all, same_would = boxes(root, "bar-b")
        assert size(would, "width") / size(had, "width") == pytest.approx(0.55, abs=0.01)
        assert size(same, "width") == size(same_would, "width")
        assert size(legend, "width") < size(had, "width")


def test_pairs_that_have_no_room_are_gathered_with_both_sums() -> None:
    entries = [Bar(f"m{n}", (Decimal(n), Decimal(2 * n))) for n in range(1, PAIRS_MAX + 3)]
    for root in drawings(grouped_bars(HAD, entries, ENGLISH)):
        assert texts(root)[-4:] == ["3 others", "+6", "6", "12"]


def test_a_long_name_is_cut_and_whole_when_it_is_pointed_at() -> None:
    name = "王亚南" * 30
    root, _ = drawings(bars(GIVEN, [Bar(name, (Decimal(1),))], ENGLISH))
    (line,) = [text for text in root.iter("text") if text.findtext("title")]
    assert line.text is not None
    assert line.text.endswith("…") and len(line.text) * 12 <= NARROW
    assert line.findtext("title") == name


def test_others_and_differences_are_said_in_chinese() -> None:
    chinese = words_in("zh")
    picture = grouped_bars(HAD, [Bar(f"m{n}", (Decimal(n),) * 2) for n in range(40)], chinese)
    assert picture.columns[-1] == "差额（EUR）"
    for root in drawings(picture):
        assert "其他 29 项" in texts(root)
