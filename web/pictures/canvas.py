"""What a drawing is made of: SVG without styles or scripts, in which all text is escaped.

Colours are classes that the stylesheet fills for light, dark and print; without it, all is drawn in
the colour of the text. Units are pixels at the width for which a picture is drawn.
"""

from __future__ import annotations

from xml.etree import ElementTree

from markupsafe import Markup

from commonweal.client.language.visible_text import visible
from commonweal.web.pictures.text_width import cut_to

TEXT_SIZE = 12
"""Of every text, in units; a telephone of 360 pixels shows it with 11 or more."""

LINE = 16
"""From one line of text to the next."""

FADED = {"faint": "0.65", "bar-b": "0.5", "part-2": "0.75", "part-3": "0.55", "part-4": "0.4"}
FADED |= {"part-5": "0.28", "part-6": "0.16", "flow": "0.25", "line": "0.3", "node": "0.12"}
FADED |= {"hair": "0.12", "today": "0.06", "span-asked": "0.12", "span-agreed": "0.25"}
FADED |= {"span-out": "0.35", "span-late": "0.45", "span-over": "0.08", "span-blocked": "0.2"}
FADED |= {"span-due": "0.7"}
"""How strong the colour of the text is where no stylesheet fills a class; otherwise whole."""


class Canvas:
    """A drawing of a width; it is as high as what is drawn needs."""

    def __init__(self, width: float, title: str, description: str) -> None:
        """Begin a drawing. title, description: what a screen reader says of it."""
        self.width = width
        self._root = ElementTree.Element("svg", {"class": "drawing", "role": "img"})
        ElementTree.SubElement(self._root, "title").text = visible(title)
        ElementTree.SubElement(self._root, "desc").text = visible(description)

    def text(
        self,
        x: float,
        y: float,
        content: str,
        *,
        room: float | None = None,
        anchor: str = "start",
        look: str = "text",
    ) -> None:
        """Write one line whose baseline is at `y`. room: what it is cut to."""
        whole = visible(content)
        said = whole if room is None else cut_to(whole, room, TEXT_SIZE)
        size = str(TEXT_SIZE)
        place = {"x": plain(x), "y": plain(y), "font-size": size, "text-anchor": anchor}
        line = self._add("text", look, place)
        line.text = said
        if said != whole:
            ElementTree.SubElement(line, "title").text = whole

    def box(self, x: float, y: float, width: float, height: float, look: str) -> None:
        """Draw a filled rectangle."""
        size = {"width": plain(width), "height": plain(height)}
        self._add("rect", look, {"x": plain(x), "y": plain(y), **size})

    def area(self, path: str, look: str, title: str = "") -> None:
        """Draw a filled shape. path: as SVG writes it; title: what it is, when it is pointed at."""
        shape = self._add("path", look, {"d": path})
        if title:
            ElementTree.SubElement(shape, "title").text = visible(title)

    def stroke(self, path: str, look: str) -> None:
        """Draw a line along a path."""
        line = self._add("path", look, {"d": path})
        line.set("fill", "none")
        line.set("stroke", "currentColor")
        if look in FADED:
            line.set("stroke-opacity", FADED[look])

    def finish(self, height: float) -> Markup:
        """Return the drawing, of a height."""
        self._root.set("viewBox", f"0 0 {plain(self.width)} {plain(height)}")
        self._root.set("width", plain(self.width))
        self._root.set("height", plain(height))
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))  # noqa: S704 - escaped by it

    def _add(self, tag: str, look: str, attributes: dict[str, str]) -> ElementTree.Element:
        faded = {"fill-opacity": FADED[look]} if look in FADED else {}
        known = {"class": look, "fill": "currentColor", **faded, **attributes}
        return ElementTree.SubElement(self._root, tag, known)


def plain(coordinate: float) -> str:
    """Return a coordinate with at most two digits after the point."""
    return f"{coordinate:.2f}".rstrip("0").rstrip(".")
