"""Reports: factors, how far contributions came, productivity by month; numbers lead to records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.exceptions import HTTPException

from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.words import N_
from commonweal.client.member import Member
from commonweal.client.reports.contribution_stages import Stage
from commonweal.client.reports.factors import PER_POINTS
from commonweal.client.reports.periods import read_period
from commonweal.client.reports.report_words import factor_name
from commonweal.client.reports.reports import CommunityReport
from commonweal.protocol.errors import UnreadableTime
from commonweal.web.pages import downloads
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.returns.report_pictures import (
    factor_link,
    factor_picture,
    month_pictures,
    stage_picture,
)

router = APIRouter()

CONTRIBUTIONS_SHOWN_MAX = 200

STAGES = {
    Stage.RECORDED: (N_("written down"), N_("by its author, and the rules let it count")),
    Stage.ATTESTED: (N_("attested"), N_("as many others say yes as the rules ask for")),
    Stage.SEALED: (N_("sealed"), N_("a seal covers it: it is final")),
    Stage.COUNTED: (N_("has points"), N_("the rules gave it points")),
    Stage.SHARED: (N_("shared"), N_("an income was shared for it")),
    Stage.SETTLED: (N_("settled"), N_("what it was owed first is paid and confirmed")),
}
"""What each stage is called, and what it means."""

Link = Callable[..., str]


@router.get("/reports")
def reports(page: Page) -> Response:
    """Show the report of a period."""
    with page.member() as member:
        report, error = _report(member, page)
    link = _linking(report.period)
    return page.show(
        "returns/reports.html",
        422 if error else 200,
        report=report,
        error=error,
        periods=_periods(report, page),
        link=link,
        factor_name=factor_name,
        factor_link=factor_link,
        stages=STAGES,
        factor_picture=factor_picture(report, link, page.words),
        stage_picture=stage_picture(report, STAGES, link, page.words),
        month_pictures=month_pictures(report, page.words),
        per_points=PER_POINTS,
    )


def _report(member: Member, page: PageRequest) -> tuple[CommunityReport, str]:
    """Return the report that was asked for, and why it is another one."""
    try:
        return member.report(page.query("period")), ""
    except UnreadableTime as error:
        return member.report(), page.sentence(error)


def _linking(period: str) -> Link:
    """Return what gives the address of the contributions behind a number."""

    def link(path: str = "/reports/contributions", **asked: str) -> str:
        shown = {name: text for name, text in {"period": period, **asked}.items() if text}
        return f"{path}?{urlencode(shown)}" if shown else path

    return link


def _periods(report: CommunityReport, page: PageRequest) -> list[tuple[str, str]]:
    years = dict.fromkeys(month[:4] for month in reversed(report.known))
    months = [(month, month) for month in reversed(report.known)]
    return [("", page.words("all the time")), *((year, year) for year in years), *months]


@router.get("/reports/contributions")
def contributions(page: Page) -> Response:
    """Show the contributions behind a number: of a period, a stage, a factor."""
    stage = next((known for known in Stage if known.value == page.query("stage")), Stage.RECORDED)
    factor = page.query("factor") if "factor" in page.request.query_params else None
    period, error, most = page.query("period"), "", CONTRIBUTIONS_SHOWN_MAX
    with page.member() as member:
        try:
            shown = member.reported(period, stage, factor=factor, limit=most)
        except UnreadableTime as problem:
            period, error = "", page.sentence(problem)
            shown = member.reported(period, stage, factor=factor, limit=most)
        states = member.record_states(row.id for row in shown.contributions)
    return page.show(
        "returns/report_contributions.html",
        422 if error else 200,
        error=error,
        factor_name=factor_name,
        period=period,
        stage=STAGES[stage],
        factor=factor,
        in_all=shown.total,
        contributions=shown.contributions,
        states=states,
        ledger=_ledger_link(period, factor or ""),
    )


def _ledger_link(period: str, factor: str) -> str:
    """Return the address of the ledger with all of a period, and of a factor."""
    bounds = read_period(period)
    asked = {"since": bounds.since or "", "until": bounds.until or "", "factor": factor}
    return f"/ledger?{urlencode({name: text for name, text in asked.items() if text})}"


@router.get("/reports/{name}.csv")
def as_sheet(page: Page, name: str) -> Response:
    """Give a table of the report as a sheet: factors, stages or months."""
    if name not in SHEETS:
        raise HTTPException(404)
    rows, columns = SHEETS[name]

    def read(member: Member) -> Iterable[Mapping[str, Any]]:
        return rows(member.report(page.query("period")))

    return downloads.sheet(page, name, columns, read)


def _factor_rows(report: CommunityReport) -> Iterable[Mapping[str, Any]]:
    yield from plain_rows(report.factors)


def _stage_rows(report: CommunityReport) -> Iterable[Mapping[str, Any]]:
    yield from plain_rows(report.funnel)


def _month_rows(report: CommunityReport) -> Iterable[Mapping[str, Any]]:
    """Yield a row for each month and unit of income; one without a unit where nothing came in."""
    for row in report.months:
        whole = plain(row)
        per_unit = {amount.unit: amount.amount for amount in row.productivity}
        for amount in row.incomes or (None,):
            unit = amount and amount.unit
            yield {
                **whole,
                "unit": unit,
                "income": amount and plain(amount.amount),
                "productivity": unit and plain(per_unit.get(unit)),
            }


SHEETS: dict[
    str, tuple[Callable[[CommunityReport], Iterable[Mapping[str, Any]]], tuple[str, ...]]
] = {
    "factors": (_factor_rows, ("factor", "contributions", "contributors", "points", "outside")),
    "stages": (_stage_rows, ("stage", "contributions")),
    "months": (
        _month_rows,
        ("month", "contributions", "contributors", "points", "unit", "income", "productivity"),
    ),
}
"""The sheets of a report: its rows, and their columns."""
