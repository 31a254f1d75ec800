"""In which of several forms the cells of a column are written, by all of them.

No cell is taken for itself: 1.000 is a thousand beside 2,50 and one beside 2.50. Where the cells
leave a choice that matters, nobody chooses but the member.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from commonweal.client.language.visible_text import visible


class Cell(NamedTuple):
    """A cell as it stands in the sheet. line: counted from 1."""

    line: int
    text: str


class Doubt(NamedTuple):
    """A cell that says different things in two forms that fit all cells."""

    cell: Cell
    readings: dict[str, str]


class CellForms:
    """What the cells of one column say of their form."""

    def __init__(self, forms: Sequence[str], read: Callable[[str, str], str | None]) -> None:
        """forms: the possible ones, of which the first is meant where it does not matter.

        read: says what a text means in a form, None where it means nothing there.
        """
        self._forms, self._read = tuple(forms), read
        self._against: dict[str, Cell] = {}
        self._differing: dict[tuple[str, str], Cell] = {}

    def add(self, line: int, text: str) -> None:
        """Look at one more cell. What means nothing in any form says nothing of the others."""
        meanings = {form: self._read(text, form) for form in self._forms}
        if all(meaning is None for meaning in meanings.values()):
            return
        cell = Cell(line, text)
        for form, meaning in meanings.items():
            if meaning is None:
                self._against.setdefault(form, cell)
        first = meanings[self._forms[0]]
        if len(meanings) == 1 or all(meaning == first for meaning in meanings.values()):
            return
        for place, form in enumerate(self._forms):
            for other in self._forms[place + 1 :]:
                if meanings[form] != meanings[other]:
                    self._differing.setdefault((form, other), cell)

    @property
    def form(self) -> str:
        """The form that all cells have, where there is no contradiction and no doubt."""
        assert not self.contradiction and self.doubt is None, "the member chooses"
        return self._left()[0]

    @property
    def contradiction(self) -> tuple[Cell, ...]:
        """The cells by which each form is excluded; empty when one is left."""
        return () if self._left() else tuple(dict.fromkeys(self._against.values()))

    @property
    def doubt(self) -> Doubt | None:
        """A cell whose meaning depends on the choice that is left; None where it does not."""
        left = self._left()
        for (form, other), cell in self._differing.items():
            if form in left and other in left:
                meanings = {form: self._read(cell.text, form) for form in left}
                readings = {form: value for form, value in meanings.items() if value is not None}
                return Doubt(Cell(cell.line, visible(cell.text)), readings)
        return None

    def _left(self) -> list[str]:
        return [form for form in self._forms if form not in self._against]
