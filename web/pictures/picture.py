"""A picture: the same numbers as a drawing, in two widths, and as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import reduce
from typing import NamedTuple, Self

from markupsafe import Markup

from commonweal.client.language.words import Words

_EXACT = Context(prec=100)
"""Amounts have 19 digits and a scale of at most 18; no sum that is drawn is longer than this."""

NARROW, WIDE = 328, 680
"""Widths in units that are drawn; one unit is a pixel on a telephone of 360 and on a desk."""

ROWS_MAX = 500
"""The table of a picture has at most so many rows; the rest is gathered in the last."""


class TableCell(NamedTuple):
    """A cell of the table. link: where its number comes from, a path of the page."""

    text: str
    link: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Drawings for small and for large screens, and the table with the same numbers.

    caption: what it shows. columns: headings; rows: as many cells as there are headings.
    """

    narrow: Markup
    wide: Markup
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]


class Legend(NamedTuple):
    """What a picture shows. caption: as a sentence. unit: of its amounts, as members read it.

    name: heading of what has the amounts. amounts: headings of the amounts.
    """

    caption: str
    unit: str
    name: str
    amounts: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings of the table, the unit beside what is counted in it."""
        return (self.name, *(f"{heading} ({self.unit})" for heading in self.amounts))


class Notation(NamedTuple):
    """How the amounts of a picture are written: with as many digits, so that their points align."""

    decimals: int

    @classmethod
    def of(cls, amounts: Iterable[Decimal]) -> Self:
        """Return the notation in which all of these amounts have all their digits."""
        exponents = (amount.as_tuple().exponent for amount in amounts)
        return cls(
            max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
        )

    def text(self, amount: Decimal) -> str:
        """Return an amount, thousands apart."""
        return f"{amount:,.{max(self.decimals, 0)}f}"

    def difference(self, amount: Decimal) -> str:
        """Return an amount with its sign, also a plus."""
        return f"{'+' if amount > 0 else ''}{self.text(amount)}"

    def cell(self, amount: Decimal, link: str = "") -> TableCell:
        """Return the cell of an amount."""
        return TableCell(self.text(amount), link, is_number=True)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of amounts."""
    return reduce(_EXACT.add, amounts, Decimal())


def less(amount: Decimal, other: Decimal) -> Decimal:
    """Return the exact difference of two amounts."""
    return _EXACT.subtract(amount, other)


def named(name: str, amount: str, words: Words) -> str:
    """Return a name and its amount as a part of a sentence."""
    return words("{name}: {amount}").format(name=name, amount=amount)
