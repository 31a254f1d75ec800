"""The ledger: what was given, chosen by facets, added up exactly, and asked in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from commonweal.client.exports.selections import (
    MonthSeries,
    SelectedContribution,
    Selection,
    SelectionQuery,
)
from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_action, shown_unit
from commonweal.client.language.words import N_, Words
from commonweal.client.ledger.names.directory import NoMemberNow
from commonweal.client.member import Member
from commonweal.protocol.errors import (
    AmbiguousId,
    AmbiguousUnit,
    CommonwealError,
    UnknownAction,
    UnknownId,
    UnreadableTime,
    UnusableText,
    UsageError,
)
from commonweal.web.pages import downloads
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pictures import Bar, Legend, Picture, bars

if TYPE_CHECKING:
    from commonweal.storage.sqlite.readonly_sql import QueryResult

router = APIRouter()

FACETS = ("who", "action", "factor", "scope", "unit", "state", "month", "since", "until")
"""Parameters of the address, as `SelectionQuery` has them; `who` is its member."""

STATES = {
    "final": N_("final"),
    "provisional": N_("provisional"),
    "waiting": N_("waits for attestations"),
    "disputed": N_("disputed"),
    "withdrawn": N_("withdrawn"),
    "void": N_("counts for nothing"),
}

COLUMNS = (
    *("id", "device", "seq", "member", "member_name", "action", "quantity", "unit"),
    *("effort", "effort_unit", "receiver", "receiver_name", "scope", "factor", "note", "when"),
    *("claimed_at", "height", "points", "yes", "no", "disputes", "why", "corrected_to"),
)

EXAMPLES = (
    (
        "events",
        N_("contributions that count, as corrected"),
        "SELECT action, unit, count(*) FROM events GROUP BY action, unit",
    ),
    (
        "members",
        N_("members, former ones and those who ask to join"),
        "SELECT name, status, roles FROM members ORDER BY name",
    ),
    (
        "attests",
        N_("what members say of contributions"),
        "SELECT say, count(*) FROM attests GROUP BY say",
    ),
    ("rules", N_("proposals"), "SELECT id, subject, status, yes, no FROM rules"),
    ("votes", N_("what members vote"), "SELECT proposal, member, say FROM votes"),
    (
        "seals",
        N_("heights that are final"),
        "SELECT height, time, records FROM seals ORDER BY height DESC",
    ),
    (
        "claims",
        N_("what members are owed"),
        "SELECT height, pool, member, amount, scale, unit, status, id FROM claims",
    ),
    (
        "payouts",
        N_("lines of each split"),
        "SELECT height, pool, bucket, member, amount, scale, unit FROM payouts",
    ),
)
"""The views: what a row is, and a question to begin with."""

SQL_CHARS_MAX = 2_000
"""A question that is asked on the page has at most so many characters: it is in the address."""

SQL_ROWS_MAX = 200
"""Rows of an answer that the page shows; a download has up to 10,000."""


@router.get("/ledger")
def ledger(page: Page) -> Response:
    """Show a page of the contributions that fit, and what all of them come to."""
    query, after = _query(page), page.query("after")
    with page.member() as member:
        errors: dict[str, str] = {}
        try:
            chosen = member.select(query, after=after or None)
        except CommonwealError as error:
            errors[_field_of(error, query)] = page.sentence(error)
            chosen = member.select(SelectionQuery())
        return page.show(
            "books/ledger.html",
            status=422 if errors else 200,
            chosen=chosen,
            states=member.record_states([row.id for row in chosen.rows]),
            not_counting=member.void_records(),
            standing=member.standing(),
            picked={name: page.query(name) for name in FACETS},
            options=_options(chosen, page.words),
            errors=errors,
            after=after,
            picture=chosen.months and _months(chosen.months, page),
            link=_linking(page),
        )


@router.get("/ledger/selection.csv")
def as_sheet(page: Page) -> Response:
    """Give all contributions that fit as a sheet."""
    return downloads.sheet(page, "ledger", COLUMNS, _rows(_query(page)))


@router.get("/ledger/selection.json")
def as_json(page: Page) -> Response:
    """Give all contributions that fit as JSON, with the height at which they are exact."""
    with page.member() as member:
        head = {"community": member.view.community.hex(), "height": member.view.kept.cut.height}
    return downloads.lines_of_json(page, "ledger", head, _rows(_query(page)))


@router.get("/ledger/sql")
def sql(page: Page) -> Response:
    """Answer a SELECT over the public views."""
    question = page.query("q")
    known: dict[str, Any] = {
        "question": question,
        "examples": _examples(page.words),
        "most": SQL_CHARS_MAX,
    }
    if not question:
        return page.show("books/sql.html", result=None, error="", **known)
    with page.member() as member:
        try:
            result = _answer(page, member, SQL_ROWS_MAX)
        except CommonwealError as error:
            return page.show(
                "books/sql.html", 422, result=None, error=page.sentence(error), **known
            )
        return page.show("books/sql.html", result=result, error="", **known)


@router.get("/ledger/sql.csv")
def sql_as_sheet(page: Page) -> Response:
    """Give the answer to a SELECT as a sheet."""
    with page.member() as member:
        result = _answer(page, member)
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return downloads.sheet(page, "answer", result.columns, lambda _member: rows)


def _answer(page: PageRequest, member: Member, rows_max: int | None = None) -> QueryResult:
    question = page.query("q")
    if len(question) > SQL_CHARS_MAX:
        text = page.words("A question on this page has at most {most} characters.")
        raise UsageError(text.format(most=f"{SQL_CHARS_MAX:,}"))
    return member.sql(question, rows_max=rows_max)


def _examples(words: Words) -> list[tuple[str, str, str]]:
    return [(view, words(text), question) for view, text, question in EXAMPLES]


def _query(page: PageRequest) -> SelectionQuery:
    texts = {name: page.query(name) or None for name in FACETS}
    return replace(SelectionQuery(), member=texts.pop("who"), **texts)


def _field_of(error: CommonwealError, query: SelectionQuery) -> str:
    """Return the field beside which an error is said."""
    match error:
        case UnreadableTime():
            return "since" if query.since and query.since in str(error) else "until"
        case UnknownAction():
            return "action"
        case AmbiguousUnit():
            return "unit"
        case UnusableText():
            return "scope"
        case UnknownId() | AmbiguousId() | NoMemberNow():
            return "who"
        case _:
            return "state"


def _options(chosen: Selection, words: Words) -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen in each field: value, and label with how many there are."""

    def named(label: str, records: int) -> str:
        return words("{name} ({n})").format(name=label, n=f"{records:,}")

    every = [("", words("all"))]
    facets = chosen.facets
    values = {
        "who": facets.member,
        "action": facets.action,
        "factor": facets.factor,
        "scope": facets.scope,
        "unit": facets.unit,
    }
    offered = {
        name: every + [(facet.value, named(facet.label, facet.records)) for facet in of]
        for name, of in values.items()
    }
    return offered | {"state": every + [(name, words(text)) for name, text in STATES.items()]}


def _linking(page: PageRequest) -> Callable[..., str]:
    """Return what gives the address of this selection with other values of some fields."""
    here = {name: page.query(name) for name in FACETS if page.query(name)}

    def link(path: str = "/ledger", **changed: str) -> str:
        asked = urlencode({name: text for name, text in (here | changed).items() if text})
        return f"{path}?{asked}" if asked else path

    return link


def _months(series: MonthSeries, page: PageRequest) -> Picture:
    words, link = page.words, _linking(page)
    action, unit = shown_action(series.action, words), shown_unit(series.unit, words)
    caption = words("{action} by month, in {unit}").format(action=action, unit=unit)
    of = {"action": series.action, "unit": series.unit, "since": "", "until": ""}
    drawn = [Bar(row.month, (row.amount,), link(month=row.month, **of)) for row in series.months]
    legend = Legend(caption, unit, words("month"), (words("amount"),))
    return bars(legend, drawn, words, in_time=True)


def _rows(query: SelectionQuery) -> Callable[[Member], Iterator[Mapping[str, Any]]]:
    def read(member: Member) -> Iterator[Mapping[str, Any]]:
        return _plain(member, query)

    return read


def _plain(member: Member, query: SelectionQuery) -> Iterator[Mapping[str, Any]]:
    selected = member.selected(query)

    def plain_rows() -> Iterator[Mapping[str, Any]]:
        with closing(selected) as rows:
            for row in rows:
                yield _plain_row(row)

    return plain_rows()


def _plain_row(row: SelectedContribution) -> dict[str, Any]:
    whole: dict[str, Any] = plain(row)
    return {name: whole[name] for name in COLUMNS}
