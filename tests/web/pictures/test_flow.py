"""A flow picture: what comes goes, cycles are no error, and many places are gathered."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.language.words import ENGLISH
from commonweal.web.pictures import FlowLink, FlowPlace, Legend, flow
from commonweal.web.pictures.flow import PLACES_MAX
from commonweal.web.pictures.picture import ROWS_MAX
from tests.web.pictures.drawings import boxes, drawings, size, texts

WENT = Legend("Where the income went", "EUR", "from", ("amount",))
PLACES = [
    FlowPlace("in", "income", 0),
    FlowPlace("work", "work", 1),
    FlowPlace("fund", "seed fund", 1),
    FlowPlace("Mei", "Mei", 2),
    FlowPlace("Bo", "Bo", 2),
]
LINKS = [
    FlowLink("in", "work", Decimal(75)),
    FlowLink("in", "fund", Decimal(25)),
    FlowLink("work", "Mei", Decimal(50)),
    FlowLink("work", "Bo", Decimal(25)),
]


def thickness(path: str) -> float:
    """Return how thick a ribbon is at its left end."""
    (top,) = re.findall(r"^M[\d.]+ ([\d.]+)", path)
    (bottom,) = re.findall(r" ([\d.]+)Z$", path)
    return float(bottom) - float(top)


def test_ribbons_are_as_thick_as_what_goes_and_posts_as_what_goes_through() -> None:
    picture = flow(WENT, PLACES, LINKS, ENGLISH)
    for root in drawings(picture):
        ribbons = [path for path in root.iter("path") if path.get("class") == "flow"]
        assert [ribbon.findtext("title") for ribbon in ribbons] == [
            *("income → work: 75 EUR", "work → Mei: 50 EUR"),
            *("work → Bo: 25 EUR", "income → seed fund: 25 EUR"),
        ]
        sizes = [thickness(ribbon.attrib["d"]) for ribbon in ribbons]
        assert sizes == pytest.approx([150, 100, 50, 50], abs=0.1)
        posts = [size(post, "height") for post in boxes(root, "bar-a")]
        assert posts == pytest.approx([200, 150, 50, 100, 50], abs=0.1)
        assert texts(root)[:4] == ["income", "100", "work", "75"]
    assert [cell.text for cell in picture.rows[1]] == ["income", "seed fund", "25"]
    assert picture.columns == ("from", "goes to", "amount (EUR)")


@pytest.mark.parametrize(
    "link",
    [
        FlowLink("Mei", "in", Decimal(5)),
        FlowLink("work", "fund", Decimal(5)),
        FlowLink("in", "in", Decimal(5)),
        FlowLink("in", "work", Decimal(-5)),
    ],
)
def test_what_cannot_be_drawn_forward_is_written_below(link: FlowLink) -> None:
    picture = flow(WENT, PLACES, [*LINKS, link], ENGLISH)
    for root in drawings(picture):
        assert len([path for path in root.iter("path") if path.get("class") == "flow"]) == 4
        assert texts(root)[-1].endswith(f": {link.amount} EUR")
    assert picture.rows[-1][2].text == str(link.amount)


def test_of_many_places_those_with_least_are_gathered() -> None:
    people = [FlowPlace(f"m{n}", f"m{n}", 1) for n in range(500)]
    links = [FlowLink("in", f"m{n}", Decimal(n)) for n in range(500)]
    picture = flow(WENT, [PLACES[0], *people], links, ENGLISH)
    rest = 500 - PLACES_MAX + 1
    for root in drawings(picture):
        assert len(boxes(root, "bar-a")) == 1 + PLACES_MAX
        assert f"{rest} others" in texts(root)
        assert f"{sum(range(rest)):,}" in texts(root)
    assert len(picture.rows) == 500
    more = [*links, FlowLink("in", "m1", Decimal(1)), FlowLink("in", "m2", Decimal(2))]
    rows = flow(WENT, [PLACES[0], *people], more, ENGLISH).rows
    assert len(rows) == ROWS_MAX + 1
    assert [cell.text for cell in rows[-1]] == ["2 others", "", "3"]


def test_nothing_flows_where_there_is_nothing() -> None:
    for root in drawings(flow(WENT, PLACES, [], ENGLISH)):
        assert not list(root.iter("path"))
    for root in drawings(flow(WENT, [], [], ENGLISH)):
        assert texts(root) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(-(2**63), 2**63 - 1)),
        max_size=60,
    )
)
def test_all_of_any_links_is_drawn_or_written(found: list[tuple[int, int, int]]) -> None:
    places = [FlowPlace(f"{n}", f"place {n}", n % 4) for n in range(31)]
    links = [FlowLink(f"{a}", f"{b}", Decimal(amount)) for a, b, amount in found]
    picture = flow(WENT, places, links, ENGLISH)
    whole = sum(amount for _, _, amount in found)
    for root in drawings(picture):
        titles = [path.findtext("title") or "" for path in root.iter("path")]
        titles += [line for line in texts(root) if "→" in line]
        titles += [text.findtext("title") or "" for text in root.iter("text") if len(text)]
        said = {text for text in titles if "→" in text and not text.endswith("…")}
        numbers = [int(re.findall(r"(-?[\d,]+) EUR$", text)[0].replace(",", "")) for text in said]
        assert sum(numbers) == whole
    assert len(picture.rows) == len(links)
