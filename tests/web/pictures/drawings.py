"""Drawings read back as XML, as a browser reads them."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from commonweal.web.pictures import Picture

ELEMENTS = {"svg", "title", "desc", "text", "rect", "path"}
ATTRIBUTES = {
    *("class", "role", "viewBox", "width", "height", "x", "y", "d", "font-size", "text-anchor"),
    *("fill", "fill-opacity", "stroke", "stroke-opacity"),
}
"""All that a drawing may hold: nothing that runs, loads or styles."""


def drawings(picture: Picture) -> Iterator[Element]:
    """Yield both drawings of a picture; nothing is in them that a drawing may not hold."""
    for drawn in (picture.narrow, picture.wide):
        root = ElementTree.fromstring(drawn)
        for element in root.iter():
            assert element.tag in ELEMENTS
            assert set(element.attrib) <= ATTRIBUTES
        assert root.get("role") == "img"
        assert root.findtext("title") == picture.caption
        yield root


def texts(root: Element) -> list[str]:
    """Return what is written in a drawing, in order."""
    return [element.text or "" for element in root.iter("text")]


def boxes(root: Element, look: str) -> list[Element]:
    """Return the rectangles of a look."""
    return [element for element in root.iter("rect") if element.get("class") == look]


def size(element: Element, name: str) -> float:
    """Return a number of an element."""
    return float(element.attrib[name])
