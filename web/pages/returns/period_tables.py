"""What reports of a period show: pictures, tables whose numbers lead to records, and notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.words import Words
from commonweal.client.reports.factors import PER_POINTS, FactorShare, FactorsReport
from commonweal.client.reports.funnel import FUNNEL_WORDS, FunnelReport, FunnelStage
from commonweal.client.reports.kept import KeptReport
from commonweal.client.reports.report_words import factor_name, shown_minutes, stars
from commonweal.client.reports.things import ThingsReport
from commonweal.web.pictures import Bar, Legend, Picture, bars

Link = Callable[..., str]
"""Gives the address of a path with the period, and with what else is asked."""


@dataclass(frozen=True, slots=True)
class ReportCell:
    """A cell: what is read, where it leads, and whether it is a number."""

    text: str
    link: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class PeriodTable:
    """A table with its picture. empty: what is read where it has no rows. notes: below it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[ReportCell, ...], ...]
    empty: str
    picture: Picture | None = None
    notes: tuple[str, ...] = ()


def number(value: int, link: str = "") -> ReportCell:
    """Return a whole number as a cell."""
    return ReportCell(f"{value:,}", link, True)


def part(per_mille: int | None) -> ReportCell:
    """Return thousandths as a cell; none of nothing."""
    return ReportCell("–" if per_mille is None else f"{per_mille:,} ‰", "", True)


def factor_table(told: FactorsReport, link: Link, words: Words) -> list[PeriodTable]:
    """Return the factors, and what came in for them."""
    legend = Legend(words("Points by factor"), words("points"), words("factor"), (words("given"),))
    drawn = [
        Bar(factor_name(row.factor, words), (Decimal(row.points),), _points(row, link))
        for row in told.factors
    ]
    columns = (
        *(words("factor"), words("points"), words("contributions"), words("givers")),
        *(words("largest"), words("of all"), words("beyond the core"), words("of all")),
        words("distributed since"),
    )
    return [
        PeriodTable(
            words("What was given of each factor"),
            columns,
            tuple(_factor(row, link, words) for row in told.factors),
            words("Nothing has points in this period. It takes the word of others, and a seal."),
            bars(legend, drawn, words) if drawn else None,
            tuple(_factor_notes(told, words)),
        )
    ]


def _points(row: FactorShare, link: Link) -> str:
    return link("/reports/points", factor=row.factor)


def _factor(row: FactorShare, link: Link, words: Words) -> tuple[ReportCell, ...]:
    person = f"/people/{row.largest_giver.hex()}" if row.largest_giver else ""
    since = f"#{row.since:,}" if row.since is not None else words("not distributed")
    return (
        ReportCell(factor_name(row.factor, words)),
        number(row.points, _points(row, link)),
        number(row.events, _points(row, link)),
        number(row.givers),
        ReportCell(f"{row.largest:,} {row.largest_giver_name}", person, True),
        part(row.largest_per_mille),
        number(row.beyond_core),
        part(row.beyond_core_per_mille),
        ReportCell(since),
    )


def _factor_notes(told: FactorsReport, words: Words) -> list[str]:
    notes: list[str] = []
    for income in told.income:
        unit = shown_unit(income.unit, words)
        text = words("Income: {amount} {unit}.")
        if income.per_points is not None:
            text = words("Income: {amount} {unit}; for {points} points {each} {unit}.")
        rate = "" if income.per_points is None else f"{income.per_points:,}"
        shown = {"amount": f"{income.income:,}", "unit": unit, "points": f"{PER_POINTS:,}"}
        notes.append(text.format(**shown, each=rate))
    text = words("Distributed: at least {givers} give, and none more than {largest} of it.")
    notes.append(text.format(givers=told.givers_min, largest=told.largest_max))
    core = words(", ").join(told.core)
    if core:
        notes.append(words("The core: {roles}.").format(roles=core))
    if told.corrected:
        text = words("Of earlier periods, corrected in this one, which counts here: {count}.")
        notes.append(text.format(count=f"{told.corrected:,}"))
    if told.corrected_later:
        text = words("Of this period, corrected after it, which counts there: {count}.")
        notes.append(text.format(count=f"{told.corrected_later:,}"))
    return notes


def funnel_table(told: FunnelReport, link: Link, words: Words) -> list[PeriodTable]:
    """Return the stages of the funnel, and the cohorts."""

    def members(stage: FunnelStage, **more: str) -> str:
        if stage is FunnelStage.INVITED:
            return "/invite"
        return link("/reports/members", stage=stage.value, **more)

    legend = Legend(
        words("From invited to brought"), words("members"), words("stage"), (words("number"),)
    )
    drawn = [
        Bar(words(FUNNEL_WORDS[step.stage][0]), (Decimal(step.count),), members(step.stage))
        for step in told.steps
    ]
    steps = PeriodTable(
        words("How far people came"),
        (words("stage"), words("number"), words("of those before"), words("what counts")),
        tuple(
            (
                ReportCell(words(FUNNEL_WORDS[step.stage][0])),
                number(step.count, members(step.stage)),
                part(step.per_mille),
                ReportCell(words(FUNNEL_WORDS[step.stage][1])),
            )
            for step in told.steps
        ),
        "",
        bars(legend, drawn, words),
        (
            words(
                "Who left stays in the month in which they came. Nothing but signed records counts."
            ),
        ),
    )
    named = (FunnelStage.ADMITTED, FunnelStage.ACTIVE, FunnelStage.AGAIN, FunnelStage.BROUGHT)
    cohorts = PeriodTable(
        words("By month of admission"),
        (words("month"), *(words(FUNNEL_WORDS[stage][0]) for stage in named)),
        tuple(
            (
                ReportCell(row.month),
                *(
                    number(getattr(row, stage.value), members(stage, month=row.month))
                    for stage in named
                ),
            )
            for row in told.cohorts
        ),
        words("Nobody was admitted in this period."),
    )
    return [steps, cohorts, _codes(told, words)]


def _codes(told: FunnelReport, words: Words) -> PeriodTable:
    return PeriodTable(
        words("By code of promotion"),
        (words("code"), words("referred"), words("sales")),
        tuple(
            (ReportCell(row.code, "/market/mine"), number(row.referrals), number(row.sales))
            for row in told.codes
        ),
        words("No code brought anybody in this period."),
    )


def kept_table(told: KeptReport, link: Link, words: Words) -> list[PeriodTable]:
    """Return promises by member."""
    legend = Legend(
        words("Promises that were kept"), words("promises"), words("member"), (words("kept"),)
    )
    drawn = [Bar(row.member_name, (Decimal(row.kept),), "/deals") for row in told.members]
    return [
        PeriodTable(
            words("Promises by member"),
            (
                *(words("member"), words("promised"), words("kept"), words("part")),
                *(words("stars"), words("withheld")),
            ),
            tuple(
                (
                    ReportCell(row.member_name, f"/people/{row.member.hex()}" * row.is_member),
                    number(row.promised, "/deals"),
                    number(row.kept, "/deals"),
                    part(row.per_mille),
                    ReportCell(stars(row.stars_tenths), "", True),
                    number(row.withheld),
                )
                for row in told.members
            ),
            words("No promise was due in this period. Promises are made in deals."),
            bars(legend, drawn, words) if drawn else None,
            (
                words(
                    "What was kept late is kept. A promise without a time counts once it is kept."
                ),
            ),
        )
    ]


def things_tables(told: ThingsReport, link: Link, words: Words) -> list[PeriodTable]:
    """Return things by the part on which they lay idle, and needs by tag."""
    legend = Legend(
        words("Days without a booking"), words("days"), words("thing"), (words("idle"),)
    )
    drawn = [
        Bar(row.resource_name, (Decimal(row.idle),), f"/things/{row.resource.hex()}")
        for row in told.lent
    ]
    lent = PeriodTable(
        words("Things that are lent"),
        (words("thing"), words("days"), words("lent"), words("idle"), words("part")),
        tuple(
            (
                ReportCell(row.resource_name, f"/things/{row.resource.hex()}"),
                number(row.days),
                number(row.booked, "/calendar"),
                number(row.idle),
                part(row.per_mille),
            )
            for row in told.lent
        ),
        words("Nothing is lent yet. The page of a thing says on which terms it is lent."),
        bars(legend, drawn, words) if drawn else None,
    )
    needs = PeriodTable(
        words("Needs by tag"),
        (words("tag"), words("needs"), words("unmet")),
        tuple(
            (
                ReportCell(row.tag or words("without a tag")),
                number(row.needs, "/market"),
                number(row.unmet, "/market"),
            )
            for row in told.tags
        ),
        words("Nobody needed anything in this period."),
        None,
        tuple(_need_notes(told, words)),
    )
    return [lent, needs]


def _need_notes(told: ThingsReport, words: Words) -> list[str]:
    text = words("Needs: {needs}, unmet: {unmet}.")
    notes = [text.format(needs=f"{told.needs:,}", unmet=f"{told.unmet:,}")]
    if told.median_minutes is not None and told.longest_minutes is not None:
        text = words("From need to deal: {median} in the middle of {count}, {longest} at most.")
        shown = (
            shown_minutes(minutes, words) for minutes in (told.median_minutes, told.longest_minutes)
        )
        median, longest = shown
        notes.append(text.format(median=median, longest=longest, count=f"{told.answered:,}"))
    text = words("Deals: {deals}, of these rings: {rings} ({part}).")
    rate = part(told.rings_per_mille).text
    return [*notes, text.format(deals=f"{told.deals:,}", rings=f"{told.rings:,}", part=rate)]
