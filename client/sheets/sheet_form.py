"""How a sheet is to be read: what is chosen by the member, and what its bytes and cells say.

Nothing is chosen for the member where a choice matters.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.sheets.cell_forms import CellForms
from commonweal.client.sheets.charset import named_charset
from commonweal.client.sheets.columns import (
    OPENING_REQUIRED,
    REQUIRED,
    guessed_mapping,
    read_mapping,
)
from commonweal.client.sheets.date_format import ORDERS, iso_date
from commonweal.client.sheets.number_format import DECIMALS, number_value
from commonweal.client.sheets.sheet import Sheet, SheetForm, at
from commonweal.protocol.errors import AmbiguousSheet, UnreadableFile, UsageError


class FormChoice(NamedTuple):
    """What a member says of the form of a sheet; None for what the sheet says of itself."""

    mapping: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    dates: str | None = None
    opened_on: str | None = None
    """The day of opening balances; then the unit says as what a row comes in."""
    heading_line: int = 1


def form_of(sheet: Sheet, choice: FormChoice, words: Words = ENGLISH) -> SheetForm:
    """Return how a sheet is to be read.

    Raises UsageError for a choice that there is not, AmbiguousSheet where the cells leave one that
    matters, UnreadableFile where they contradict each other or cannot be read.
    """
    for chosen, forms in ((choice.decimal, DECIMALS), (choice.dates, ORDERS)):
        if chosen not in (None, *forms):
            either = words("{chosen} is none of {forms}")
            raise UsageError(either.format(chosen=visible(str(chosen)), forms=", ".join(forms)))
    required = REQUIRED if choice.opened_on is None else OPENING_REQUIRED
    given = None if choice.mapping is None else read_mapping(choice.mapping, words, required)
    named = None if choice.encoding is None else named_charset(choice.encoding, words)
    charset = sheet.charset(named)
    delimiter, headings = sheet.heading(charset, choice.heading_line)
    mapping = guessed_mapping(headings, words, required) if given is None else given
    form = SheetForm(
        *(charset, delimiter, headings, mapping, DECIMALS[0], ORDERS[0]),
        *(choice.opened_on, choice.heading_line),
    )
    numbers, days = CellForms(DECIMALS, number_value), CellForms(ORDERS, iso_date)
    for row in sheet.rows(form):
        if choice.decimal is None and "quantity" in row.cells:
            numbers.add(row.line, row.cells["quantity"])
        if choice.dates is None and "date" in row.cells:
            days.add(row.line, row.cells["date"])
    return replace(
        form,
        decimal=choice.decimal or _chosen(sheet, "decimal", numbers, words),
        dates=choice.dates or _chosen(sheet, "dates", days, words),
    )


def _chosen(sheet: Sheet, option: str, evidence: CellForms, words: Words) -> str:
    """Return the one form that all cells have. Raises UnreadableFile, AmbiguousSheet."""
    if cells := evidence.contradiction:
        place = words("{text} (line {line})")
        listed = ", ".join(place.format(text=text, line=line) for line, text in cells)
        mixed = words("the cells are not written in one form: {cells}; say --{option}")
        raise UnreadableFile(f"{sheet.path}: {mixed.format(cells=visible(listed), option=option)}")
    doubt = evidence.doubt
    if doubt is None:
        return evidence.form
    reading = words("--{option} {form} ({reading})")
    choices = words(" or ").join(
        reading.format(option=option, form=form, reading=text)
        for form, text in doubt.readings.items()
    )
    asked = words("{text} can be read in more than one way; say {choices}")
    what = asked.format(text=doubt.cell.text, choices=choices)
    raise AmbiguousSheet(at(sheet.path, doubt.cell.line, what, words), option, doubt.readings)
