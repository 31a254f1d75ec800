"""What holds of every picture: names are text, all numbers are there, all can be read."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.language.visible_text import UNSEEN, visible
from commonweal.client.language.words import ENGLISH
from commonweal.protocol.vocabulary.characters import JOINERS
from commonweal.web.pictures import (
    Bar,
    BarPart,
    CalendarEntry,
    FlowLink,
    FlowPlace,
    Legend,
    LineStep,
    Picture,
    TreeBranch,
    bars,
    flow,
    grouped_bars,
    month_grid,
    share_bar,
    step_line,
    tree,
    week_grid,
)
from commonweal.web.pictures.text_width import cut_to, width_of
from tests.web.pictures.drawings import ELEMENTS, drawings, texts

HOSTILE = [
    *("<script>alert(1)</script>", "</svg><img src=x onerror=alert(1)>", '" onload="alert(1)'),
    *(
        "]]><b>",
        "<!--",
        "&lt;",
        "&#x3c;script&#x3e;",
        "\u202etxt.exe",
        "a\x00b",
        "\ud800",
        "\x1b[2J",
    ),
    *("</title><script>x</script>", "{{ 7*7 }}", "javascript:alert(1)", "\u2066\u2069", "a\nb\tc"),
]
DAY = date(1970, 1, 1)
amounts = st.decimals(-(10**12), 10**12, places=2)


def every(name: str, more: str, amount: Decimal) -> list[Picture]:
    """Return a picture of each sort with two names in all places of text."""
    legend = Legend(name, more, name, (more,))
    pair = Legend(name, more, name, (name, more))
    places = [FlowPlace("a", name, 0), FlowPlace("b", more, 1)]
    links = [FlowLink("a", "b", abs(amount)), FlowLink("b", "a", amount)]
    return [
        bars(legend, [Bar(name, (amount,)), Bar(more, (amount,))], ENGLISH),
        grouped_bars(pair, [Bar(name, (amount, -amount)), Bar(more, (amount,) * 2)], ENGLISH),
        share_bar(legend, [BarPart(name, abs(amount)), BarPart(more, abs(amount))], ENGLISH),
        step_line(legend, [LineStep(name, amount), LineStep(more, -amount)], ENGLISH),
        flow(legend, places, links, ENGLISH),
        tree(name, more, [TreeBranch(0, name), TreeBranch(1, more)], ENGLISH),
        week_grid(name, DAY, [CalendarEntry(0, 9**8, name, more, "asked", more)], ENGLISH),
        month_grid(name, DAY, [CalendarEntry(0, 9**8, name, more, "due", more)], ENGLISH),
    ]


class _Page(HTMLParser):
    """The tags of a page as a browser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def only_draws(picture: Picture) -> None:
    for drawn in (picture.narrow, picture.wide):
        page = _Page()
        page.feed(drawn)
        assert set(page.tags) <= ELEMENTS
        assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
        root = ElementTree.fromstring(drawn)
        written = re.sub(JOINERS, "", "".join(root.itertext()))  # which writing needs
        assert not re.search(UNSEEN, written)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    for picture in every(name, "Mei", Decimal(3)):
        only_draws(picture)
        assert visible(name) in "".join(ElementTree.fromstring(picture.narrow).itertext())


@given(st.text(max_size=60), st.text(max_size=60), amounts)
def test_no_text_comes_out_of_its_place(name: str, more: str, amount: Decimal) -> None:
    for picture in every(name, more, amount):
        only_draws(picture)


@given(st.lists(amounts, min_size=1, max_size=40))
def test_numbers_of_the_table_are_in_the_drawing_or_gathered(found: list[Decimal]) -> None:
    legend = Legend("all", "EUR", "member", ("amount",))
    picture = bars(legend, [Bar(f"m{n}", (a,)) for n, a in enumerate(found)], ENGLISH)
    assert sum(Decimal(row[1].text.replace(",", "")) for row in picture.rows) == sum(found)
    for root in drawings(picture):
        drawn = [Decimal(text.replace(",", "")) for text in texts(root)[1::2]]
        assert sum(drawn) == sum(found)
        if len(found) <= len(drawn):
            assert drawn == found


def test_text_can_be_read_on_a_telephone() -> None:
    for picture in every("Mei", "Bo", Decimal(3)):
        narrow, wide = drawings(picture)
        assert float(narrow.attrib["width"]) <= 360 - 2 * 16
        assert float(wide.attrib["width"]) <= 712 - 2 * 16
        sizes = [text.get("font-size") for root in (narrow, wide) for text in root.iter("text")]
        assert sizes and set(sizes) == {"12"}


@given(st.text(max_size=80), st.floats(20, 400))
def test_a_text_that_is_cut_fits(text: str, room: float) -> None:
    kept = cut_to(text, room, 12)
    assert kept == text or kept.endswith("…")
    assert width_of(kept, 12) <= room


def test_a_chinese_character_is_as_wide_as_two_others() -> None:
    assert width_of("共益", 12) == 24 > width_of("ab", 12)
    assert width_of("e\u0301", 12) == width_of("e", 12)
