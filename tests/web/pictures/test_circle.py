"""A circle: who gives what, and who gets it."""

from __future__ import annotations

import pytest

from commonweal.client.language.words import ENGLISH
from commonweal.web.pictures import GiftArrow, circle
from commonweal.web.pictures.circle import PEOPLE_MAX
from tests.web.pictures.drawings import boxes, drawings, size, texts

RING = [
    GiftArrow(1, "Mei", "Bo", "transfer 5 kg"),
    GiftArrow(2, "Bo", "Ana", "work 2 hour"),
    GiftArrow(3, "Ana", "Mei", "deliverService 1 hour"),
]


def around(number: int) -> list[GiftArrow]:
    """Return a ring of so many people."""
    names = [f"member {n}" for n in range(number)]
    takers = [*names[1:], names[0]]
    pairs = zip(names, takers, strict=True)
    return [GiftArrow(n, *pair, "work 1 hour") for n, pair in enumerate(pairs, 1)]


def test_people_stand_around_and_each_gift_is_an_arrow() -> None:
    picture = circle("Who gives what", RING, ENGLISH)
    assert picture is not None
    for root in drawings(picture):
        assert texts(root) == ["1", "2", "3", "Mei", "Bo", "Ana"]
        assert len(boxes(root, "node")) == 3
        lines = [path for path in root.iter("path") if path.get("class") == "curve"]
        heads = [path for path in root.iter("path") if path.get("class") == "bar-a"]
        assert len(lines) == len(heads) == 3
        assert heads[0].findtext("title") == "1: transfer 5 kg"
        assert "Mei gives Bo: transfer 5 kg" in (root.findtext("desc") or "")
        for box in boxes(root, "node"):
            assert 0 <= size(box, "x") <= size(root, "width") - size(box, "width")
            assert 0 <= size(box, "y") <= size(root, "height") - size(box, "height")
    assert picture.columns == ("number", "gives", "gets", "what")
    assert [cell.text for cell in picture.rows[1]] == ["2", "Bo", "Ana", "work 2 hour"]


@pytest.mark.parametrize("number", range(2, PEOPLE_MAX + 1))
def test_no_boxes_of_people_overlap(number: int) -> None:
    picture = circle("ring", around(number), ENGLISH)
    assert picture is not None
    for root in drawings(picture):
        places = [
            (size(box, "x"), size(box, "y"), size(box, "width"), size(box, "height"))
            for box in boxes(root, "node")
        ]
        for n, (x, y, width, height) in enumerate(places):
            for other_x, other_y, *_ in places[n + 1 :]:
                assert abs(x - other_x) >= width or abs(y - other_y) >= height


def test_more_people_than_fit_are_told_by_the_table_of_the_page_alone() -> None:
    assert circle("ring", around(PEOPLE_MAX), ENGLISH) is not None
    assert circle("ring", around(PEOPLE_MAX + 1), ENGLISH) is None


def test_arrows_to_and_fro_keep_apart_and_a_long_name_is_cut() -> None:
    pair = [GiftArrow(1, "M" * 60, "Bo", "x"), GiftArrow(2, "Bo", "M" * 60, "y")]
    picture = circle("two", pair, ENGLISH)
    assert picture is not None
    for root in drawings(picture):
        first, second = (
            path.get("d") for path in root.iter("path") if path.get("class") == "curve"
        )
        assert first is not None and second is not None
        assert first.split("L")[0].removeprefix("M") not in second
        assert any(text.endswith("…") for text in texts(root))


def test_who_gives_to_themselves_has_no_arrow() -> None:
    picture = circle("odd", [GiftArrow(1, "Mei", "Mei", "x")], ENGLISH)
    assert picture is not None
    for root in drawings(picture):
        assert list(root.iter("path")) == []
