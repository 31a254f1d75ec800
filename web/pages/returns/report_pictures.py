"""Pictures of a report: factors as parts of a whole, stages as bars, months as lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.words import Words
from commonweal.client.reports.contribution_stages import Stage
from commonweal.client.reports.factors import PER_POINTS
from commonweal.client.reports.report_words import factor_name
from commonweal.client.reports.reports import CommunityReport
from commonweal.web.pictures import (
    Bar,
    BarPart,
    Legend,
    LineStep,
    Picture,
    bars,
    share_bar,
    step_line,
)


def factor_picture(
    report: CommunityReport, link: Callable[..., str], words: Words
) -> Picture | None:
    """Return what part of all points each factor has; None without points."""
    if not report.factors:
        return None
    parts = [
        BarPart(factor_name(row.factor, words), Decimal(row.points), factor_link(row.factor, link))
        for row in report.factors
    ]
    legend = Legend(words("Points by factor"), words("points"), words("factor"), (words("given"),))
    return share_bar(legend, parts, words)


def factor_link(factor: str, link: Callable[..., str]) -> str:
    """Return the address of a factor's contributions; an empty name is a factor too."""
    address = link(stage=Stage.COUNTED.value, factor=factor)
    return address if factor else f"{address}&factor="


def stage_picture(
    report: CommunityReport,
    stages: Mapping[Stage, tuple[str, str]],
    link: Callable[..., str],
    words: Words,
) -> Picture:
    """Return how many contributions came to each stage."""
    drawn = [
        Bar(
            words(stages[row.stage][0]),
            (Decimal(row.contributions),),
            link(stage=row.stage.value),
        )
        for row in report.funnel
    ]
    caption = words("Contributions that came to each stage")
    legend = Legend(caption, words("contributions"), words("stage"), (words("number"),))
    return bars(legend, drawn, words)


def month_pictures(report: CommunityReport, words: Words) -> list[Picture]:
    """Return points by month, and what came in for PER_POINTS points; none of a single month."""
    if len(report.months) < 2:
        return []
    points = [LineStep(row.month, Decimal(row.points)) for row in report.months]
    heading = words("month")
    legend = Legend(words("Points by month"), words("points"), heading, (words("given"),))
    pictures = [step_line(legend, points, words)]
    units = sorted({amount.unit for row in report.months for amount in row.productivity})
    for unit in units:
        shown = shown_unit(unit, words)
        caption = words("Income for {points} points, in {unit}").format(
            points=f"{PER_POINTS:,}", unit=shown
        )
        steps = []
        for row in report.months:
            of_unit = (amount.amount for amount in row.productivity if amount.unit == unit)
            steps.append(LineStep(row.month, next(of_unit, Decimal())))
        legend = Legend(caption, shown, heading, (words("income"),))
        pictures.append(step_line(legend, steps, words))
    return pictures
