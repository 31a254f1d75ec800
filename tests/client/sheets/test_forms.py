"""Numbers and dates: read in one form, which all cells decide and no cell alone."""

from __future__ import annotations

import pytest

from commonweal.client.language.digits import WHOLE_DIGITS_MAX, plain_digits, whole_number
from commonweal.client.sheets.cell_forms import Cell, CellForms
from commonweal.client.sheets.date_format import ORDERS, iso_date
from commonweal.client.sheets.number_format import DECIMALS, number_value, plain_number

SECONDS = ":00"


@pytest.mark.parametrize(
    ("text", "with_point", "with_comma"),
    [
        ("3", "3", "3"),
        ("1.000,50", None, "1000.50"),
        ("1,000.50", "1000.50", None),
        ("1 000,50", None, "1000.50"),
        ("1\u202f000,50", None, "1000.50"),
        ("1\u00a0000.5", "1000.5", None),
        ("1'000.50", "1000.50", None),
        ("1’000’000.50", "1000000.50", None),
        ("1.000", "1.000", "1000"),
        ("2.500", "2.500", "2500"),
        ("12,345", "12345", "12.345"),
        ("1.000.000", None, "1000000"),
        ("1,00,000.5", "100000.5", None),
        ("0.500", "0.500", None),
        ("0,500", None, "0.500"),
        ("-12,50", None, "-12.50"),
        ("+12.50", "12.50", None),
        ("１，０００．５", "1000.5", None),
        ("١٢", "12", "12"),
        *((wrong, None, None) for wrong in ("", "3¹", "3₁", "½", "①", "1.2.3", "1..2", "1,2,3")),
        *((wrong, None, None) for wrong in ("1.000,50.1", "12 34", "1 00", "x", "5.", ".5", "1e3")),
    ],
)
def test_a_number_says_what_it_says_by_the_mark_before_the_fraction(
    text: str, with_point: str | None, with_comma: str | None
) -> None:
    assert (plain_number(text, "."), plain_number(text, ",")) == (with_point, with_comma)


@pytest.mark.parametrize(
    ("text", "ymd", "dmy", "mdy"),
    [
        ("2026-01-05", "2026-01-05", None, None),
        ("2026/1/5", "2026-01-05", None, None),
        ("2026年1月5日", "2026-01-05", None, None),
        ("２０２６年１月５日", "2026-01-05", None, None),
        ("05.01.2026", None, "2026-01-05", "2026-05-01"),
        ("5. 1. 2026", None, "2026-01-05", "2026-05-01"),
        ("5/1/26", None, "2026-01-05", "2026-05-01"),
        ("13/01/2026", None, "2026-01-13", None),
        ("1/13/2026", None, None, "2026-01-13"),
        ("26-01-05", "2026-01-05", "2005-01-26", None),
        ("1/13/2026 3:05 PM", None, None, "2026-01-13T15:05:00"),
        ("2026-01-05T10:00", "2026-01-05T10:00:00", None, None),
        ("2026-01-05 10:00:59+01:00", "2026-01-05T10:00:59+01:00", None, None),
        ("2026-01-05 12:00 am", "2026-01-05T00:00:00", None, None),
        *((wrong, None, None, None) for wrong in ("31.02.2026", "29.02.2025", "2026-13-01", "7d")),
        *((wrong, None, None, None) for wrong in ("2026-01-05 24:00", "2026-01-05 13:00 pm", "")),
        *((wrong, None, None, None) for wrong in ("5.1.126", "2026-01", "2026-01-1²", "today")),
    ],
)
def test_a_date_says_what_it_says_by_its_order(
    text: str, ymd: str | None, dmy: str | None, mdy: str | None
) -> None:
    assert tuple(iso_date(text, order) for order in ORDERS) == (ymd, dmy, mdy)


def numbers(*cells: str) -> CellForms:
    evidence = CellForms(DECIMALS, number_value)
    for line, cell in enumerate(cells, start=2):
        evidence.add(line, cell)
    return evidence


def dates(*cells: str) -> CellForms:
    evidence = CellForms(ORDERS, iso_date)
    for line, cell in enumerate(cells, start=2):
        evidence.add(line, cell)
    return evidence


def test_one_cell_decides_for_all_others() -> None:
    assert numbers("1.000", "2.500", "2,5").form == ","
    assert numbers("1.000", "2.500", "2.5").form == "."
    assert numbers("1,000", "1.000.000").form == ","
    assert dates("05.01.2026", "06.01.2026", "13.01.2026").form == "dmy"
    assert dates("01/05/2026", "01/13/2026").form == "mdy"


def test_cells_that_leave_a_choice_are_a_doubt_with_what_each_choice_says() -> None:
    doubt = numbers("3", "1.000", "2.500").doubt
    assert doubt is not None
    assert doubt == (Cell(3, "1.000"), {".": "1", ",": "1000"})
    doubt = dates("05.05.2026", "05.01.2026").doubt
    assert doubt is not None
    assert doubt == (Cell(3, "05.01.2026"), {"dmy": "2026-01-05", "mdy": "2026-05-01"})


def test_a_choice_that_changes_nothing_is_no_doubt() -> None:
    assert (numbers("3", "12").doubt, numbers("3", "12").form) == (None, ".")
    assert dates("05.05.2026", "6.6.26").doubt is None
    assert dates("05.05.2026").form == "dmy"
    assert dates().form == "ymd"


def test_cells_of_two_forms_are_a_contradiction_that_names_both() -> None:
    assert numbers("2,5", "2.5").contradiction == (Cell(2, "2,5"), Cell(3, "2.5"))
    assert dates("13/01/2026", "01/13/2026").contradiction == (
        Cell(2, "13/01/2026"),
        Cell(3, "01/13/2026"),
    )


def test_a_cell_that_is_no_number_decides_nothing() -> None:
    assert numbers("3¹", "much", "2,5").form == ","


@pytest.mark.parametrize("text", ["3¹", "①", "½", "㊂"])
def test_a_raised_or_circled_digit_is_no_digit(text: str) -> None:
    assert plain_digits(text) == text
    assert plain_digits(f" ３{text}") == f"3{text}"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("１２", 12),
        ("9" * WHOLE_DIGITS_MAX, 10**WHOLE_DIGITS_MAX - 1),
        ("9" * (WHOLE_DIGITS_MAX + 1), None),
        ("9" * 5_000, None),
        *((text, None) for text in ("", "-1", "1.5", "3¹", " 1", "1_0")),
    ],
)
def test_a_whole_number_has_digits_alone_and_not_too_many(text: str, number: int | None) -> None:
    assert whole_number(text) == number
