"""Reports of a period of seals: factors, the funnel, kept promises, things and needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.exceptions import HTTPException

from commonweal.client.language.digits import whole_number
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.words import N_, Words
from commonweal.client.member import Member
from commonweal.client.reports.factors import GIVEN_LISTED_MAX
from commonweal.client.reports.funnel import FUNNEL_WORDS, FunnelStage
from commonweal.client.reports.report_words import factor_name
from commonweal.protocol.errors import WrongPeriod
from commonweal.web.pages import downloads
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.returns.period_tables import (
    Link,
    PeriodTable,
    factor_table,
    funnel_table,
    kept_table,
    things_tables,
)

router = APIRouter()

HEIGHT_MAX = 2**53
"""The greatest height that can be typed."""


class PeriodReport(NamedTuple):
    """A report: its title, what it says in one sentence, how it is read, shown, and its rows.

    rows: the name of the field that is its sheet.
    """

    title: str
    about: str
    read: Callable[[Member, int | None, int | None], Any]
    tables: Callable[[Any, Link, Words], list[PeriodTable]]
    rows: str


REPORTS = {
    "factors": PeriodReport(
        N_("Factors"),
        N_("Who gave what of each factor of production, and whether it is spread over many."),
        lambda me, first, last: me.factors(first, last),
        factor_table,
        "factors",
    ),
    "funnel": PeriodReport(
        N_("Funnel"),
        N_("Who was invited, asked, came, gave, gave again, and brought somebody."),
        lambda me, first, last: me.funnel(first, last),
        funnel_table,
        "steps",
    ),
    "kept": PeriodReport(
        N_("Kept promises"),
        N_("Promises of deals that were due, and how many were kept."),
        lambda me, first, last: me.kept(first, last),
        kept_table,
        "members",
    ),
    "things": PeriodReport(
        N_("Things and needs"),
        N_("What lay idle, which needs nobody met, and how soon others became deals."),
        lambda me, first, last: me.things_and_needs(first, last),
        things_tables,
        "lent",
    ),
}
"""The reports by the name in their address."""


class _Asked(NamedTuple):
    first: int | None
    last: int | None
    error: str = ""


@router.get("/reports/of/{name}")
def period_report(page: Page, name: str) -> Response:
    """Show a report of a period of seals."""
    report, asked = _named(name), _asked(page)
    with page.member() as member:
        try:
            told = report.read(member, asked.first, asked.last)
        except WrongPeriod as error:
            asked = _Asked(None, None, page.sentence(error))
            told = report.read(member, None, None)
        months = member.seal_months()
    link = _linking(asked)
    return page.show(
        "returns/period_report.html",
        422 if asked.error else 200,
        name=name,
        report=report,
        told=told,
        tables=report.tables(told, link, page.words),
        error=asked.error,
        first=asked.first,
        last=asked.last,
        months=months,
        reports=REPORTS,
        link=link,
    )


@router.get("/reports/of/{name}/sheet.csv")
def period_sheet(page: Page, name: str) -> Response:
    """Give the rows of a report as a sheet, the same that `weal report -o csv` writes."""
    told = _whole(page, name)
    rows = plain_rows(getattr(told, _named(name).rows))
    return downloads.sheet(page, name, [*rows[0]] if rows else [], lambda _member: rows)


@router.get("/reports/of/{name}/whole.json")
def period_json(page: Page, name: str) -> Response:
    """Give all of a report, the same that `weal report -o json` writes."""
    data = downloads.json_bytes(plain(_whole(page, name)))
    return downloads.attached(data, f"{name}.json", downloads.JSON)


@router.get("/reports/points")
def points_given(page: Page) -> Response:
    """Show what is behind the points of a period: what each height gave, and took again."""
    factor = page.query("factor") if "factor" in page.request.query_params else None
    asked = _asked(page)
    with page.member() as member:
        try:
            rows = member.factor_points(asked.first, asked.last, factor=factor)
        except WrongPeriod as error:
            asked = _Asked(None, None, page.sentence(error))
            rows = member.factor_points(factor=factor)
    return page.show(
        "returns/points_given.html",
        422 if asked.error else 200,
        error=asked.error,
        factor=None if factor is None else factor_name(factor, page.words),
        rows=rows,
        is_cut=len(rows) == GIVEN_LISTED_MAX,
        back=_linking(asked)("/reports/of/factors"),
    )


@router.get("/reports/members")
def stage_members(page: Page) -> Response:
    """Show the members behind a number of the funnel."""
    named = page.query("stage")
    stage = next((known for known in FunnelStage if known.value == named), FunnelStage.ADMITTED)
    asked, month = _asked(page), page.query("month") or None
    with page.member() as member:
        try:
            rows = member.funnel_members(stage, asked.first, asked.last, month=month)
        except WrongPeriod as error:
            asked = _Asked(None, None, page.sentence(error))
            rows = member.funnel_members(stage, month=month)
    return page.show(
        "returns/stage_members.html",
        422 if asked.error else 200,
        error=asked.error,
        stage=FUNNEL_WORDS[stage],
        month=month,
        rows=rows,
        is_cut=len(rows) == GIVEN_LISTED_MAX,
        back=_linking(asked)("/reports/of/funnel"),
    )


def _named(name: str) -> PeriodReport:
    if name not in REPORTS:
        raise HTTPException(404)
    return REPORTS[name]


def _whole(page: PageRequest, name: str) -> Any:
    report, asked = _named(name), _asked(page)
    with page.member() as member:
        return report.read(member, asked.first, asked.last)


def _asked(page: PageRequest) -> _Asked:
    """Return the heights that were asked for; what is no height is told and left out."""
    typed = [page.query(name).strip().lstrip("#") for name in ("from", "to")]
    first, last = map(whole_number, typed)
    for text, height in zip(typed, (first, last), strict=True):
        if text and not 0 < (height or 0) <= HEIGHT_MAX:
            return _Asked(None, None, page.sentence(WrongPeriod(text[:20])))
    return _Asked(first, last)


def _linking(asked: _Asked) -> Link:
    """Return what gives an address with the period that is shown."""

    def link(path: str, **more: str) -> str:
        heights = {"from": asked.first, "to": asked.last}
        shown = {name: str(height) for name, height in heights.items() if height is not None}
        query = urlencode({**more, **shown})
        return f"{path}?{query}" if query else path

    return link
