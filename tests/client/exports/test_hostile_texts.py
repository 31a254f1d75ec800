"""Texts made to keep a reader busy: what is read of one takes no more than its length."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.contributions.contributions import CONTENT_BYTES_MAX
from commonweal.client.exports.sheet_text import safe_cell
from commonweal.client.importers.authors import CommitText, read_commit_text
from commonweal.client.importers.git import Person
from commonweal.client.sheets.columns import HEADING_CHARS_MAX, guessed_mapping
from commonweal.client.sheets.date_format import iso_date
from commonweal.protocol.errors import UsageError

SECONDS_MAX = 1
"""Of what takes some ms; where each sign was read once for each other it took 3 s or more."""
CELL_CHARS = 20_000


def headings_asked_for(text: str) -> None:
    with pytest.raises(UsageError):
        guessed_mapping([text])


READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "a note of lines, exported": (safe_cell, "a" + "\n" * (CONTENT_BYTES_MAX - 2) + "b"),
    "a note of tabs, exported": (safe_cell, "a" + "\t" * (CONTENT_BYTES_MAX - 2) + "b"),
    "the text of a commit": (read_commit_text, " — <" * (CONTENT_BYTES_MAX // 6)),
    "a time in a sheet": (
        lambda text: iso_date(text, "ymd"),
        "2026-01-05 10:00" + " " * CELL_CHARS + "x",
    ),
    "a heading of spaces": (headings_asked_for, "a" + " " * CELL_CHARS + "b"),
    "a heading of brackets": (headings_asked_for, "(" * CELL_CHARS + ")" * CELL_CHARS + "b"),
}


@pytest.mark.parametrize("what", READERS)
def test_a_text_takes_no_longer_than_its_length(what: str) -> None:
    read, text = READERS[what]
    begun = time.process_time()
    read(text)
    assert time.process_time() - begun < SECONDS_MAX


@given(st.text(alphabet=";\t\n\r \"'=+a", max_size=12))
def test_every_end_of_a_cell_before_a_formula_is_marked(text: str) -> None:
    each_for_itself = re.sub("(\r\n|[;\t\n\r])(?=[\\s\"']*[=+])", r"\1'", text)
    assert str(safe_cell(text)).removeprefix("'") == each_for_itself.removeprefix("'")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("dig — Ann <a@x>", CommitText("dig", Person("Ann", "a@x"))),
        ("a — b — Ann <B> <a@x>", CommitText("a — b", Person("Ann <B>", "a@x"))),
        (" —  <>", CommitText("", Person("", ""))),
        ("dig — Ann <a@x", None),
        ("dig — Ann <a@x>>", None),
        ("dig — Ann <a<x>", None),
        ("dig — <a@x>", None),
        ("Ann <a@x>", None),
        ("", None),
        (None, None),
    ],
)
def test_what_the_text_of_a_commit_says(text: str | None, read: CommitText | None) -> None:
    assert read_commit_text(text) == read


def test_of_a_heading_of_the_greatest_length_the_unit_is_read() -> None:
    headings = [
        "Date",
        "Amount" + " " * (HEADING_CHARS_MAX - len("Amount(EUR)")) + "(EUR)",
        "Payer",
    ]
    assert guessed_mapping(headings).values["unit"] == "EUR"
    headings[1] = headings[1].replace("(", " (")
    with pytest.raises(UsageError):
        guessed_mapping(headings)
