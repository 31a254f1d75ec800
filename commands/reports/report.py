"""`weal report`: factors, the funnel, kept promises, idle things and unmet needs.

All of it is final, for a period of seals: from one height to another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_unit
from commonweal.client.reports.factors import PER_POINTS, FactorsReport
from commonweal.client.reports.funnel import FUNNEL_WORDS, FunnelStage
from commonweal.client.reports.report_words import factor_name, shown_minutes, stars
from commonweal.client.reports.reports import Reports
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home

FACTOR_FIELDS = (
    *("factor", "points", "events", "givers", "given", "largest", "largest_giver"),
    *("largest_giver_name", "largest_per_mille", "beyond_core", "beyond_core_per_mille"),
    *("distributed", "since"),
)
STEP_FIELDS = ("stage", "count", "of", "per_mille")
KEPT_FIELDS = (
    *("member", "member_name", "is_member", "promised", "kept", "per_mille", "reviews"),
    *("stars_tenths", "withheld"),
)
THING_FIELDS = ("resource", "resource_name", "days", "booked", "idle", "per_mille")
TAG_FIELDS = ("tag", "needs", "unmet")

F = TypeVar("F", bound=Callable[..., Any])

HEIGHT = click.IntRange(1)


def period_options(command: F) -> F:
    """Add the heights at which a period begins and ends."""
    until = click.option("--to", "last", type=HEIGHT, metavar="H", help="Up to this height.")
    since = click.option("--from", "first", type=HEIGHT, metavar="H", help="From this height on.")
    return since(until(command))


@click.group("report")
def report() -> None:
    """Show what was given, who came, what was kept and what lies idle, by periods of seals."""


@report.command("factors")
@period_options
@home_option
@form_option()
def factors(first: int | None, last: int | None, home: Home, form: Form) -> None:
    """Show who gave what of each factor, whether it is distributed, and what came in."""
    with part_of(Reports, home) as me:
        told = me.factors(first, last)
    more = plain(told)
    rows = more.pop("factors")
    if form is Form.TEXT:
        for row in rows:
            row["factor"] = factor_name(row["factor"], spoken())
            row["points"] = f"{row['points']:,}"
            row["beyond"] = _of(row["beyond_core_per_mille"])
            row["most"] = _of(row["largest_per_mille"])
            row["since"] = "" if row["since"] is None else f"#{row['since']}"
    columns = [
        Column("factor", _("factor")),
        Column("points", _("points"), is_number=True),
        Column("events", _("contributions"), is_number=True),
        Column("givers", _("givers"), is_number=True),
        Column("most", _("largest"), is_number=True),
        Column("largest_giver_name", _("by")),
        Column("beyond", _("beyond the core"), is_number=True),
        Column("since", _("distributed since")),
    ]
    standing = "\n".join(_factor_notes(told))
    nothing = _("Nothing has points in this period.")
    return table(form, "factors", rows, FACTOR_FIELDS, columns, standing, nothing, **more)


def _of(per_mille: int | None) -> str:
    return "–" if per_mille is None else f"{per_mille:,} ‰"


def _factor_notes(told: FactorsReport) -> list[str]:
    notes: list[str] = []
    for income in told.income:
        about = {
            "amount": f"{income.income:,}",
            "unit": shown_unit(income.unit, spoken()),
            "points": f"{PER_POINTS:,}",
        }
        text = _("income: {amount} {unit}")
        if income.per_points is not None:
            text = _("income: {amount} {unit}, {each} {unit} for {points} points")
            about["each"] = f"{income.per_points:,}"
        notes.append(text.format(**about))
    if told.corrected:
        text = ngettext(
            "{count} of an earlier period was corrected in this one, which counts here",
            "{count} of earlier periods were corrected in this one, which counts here",
            told.corrected,
        )
        notes.append(text.format(count=told.corrected))
    if told.corrected_later:
        text = ngettext(
            "{count} of this period was corrected after it, which counts there",
            "{count} of this period were corrected after it, which counts there",
            told.corrected_later,
        )
        notes.append(text.format(count=told.corrected_later))
    return [*notes, period_words(told.first, told.last, told.height)]


def period_words(first: int, last: int, height: int) -> str:
    """Return which heights a report is about, as a sentence."""
    if not height:
        return _("provisional: not sealed yet")
    text = _("heights {first} to {last}, final; roles as of height {height}")
    return text.format(first=first, last=last, height=height)


@report.command("funnel")
@period_options
@home_option
@form_option()
def funnel(first: int | None, last: int | None, home: Home, form: Form) -> None:
    """Show who was invited, asked, came, gave, gave again, and brought somebody."""
    with part_of(Reports, home) as me:
        told = me.funnel(first, last)
    more = plain(told)
    rows = more.pop("steps")
    if form is Form.TEXT:
        for row in rows:
            row["name"] = _(FUNNEL_WORDS[FunnelStage(row["stage"])][0])
            row["rate"] = "" if row["of"] is None else _of(row["per_mille"])
    columns = [
        Column("name", _("stage")),
        Column("count", _("number"), is_number=True),
        Column("rate", _("of those before"), is_number=True),
    ]
    notes = [
        _(
            "{month}: {admitted} came, {active} gave or bought, {again} again, {brought} brought"
        ).format(**plain(cohort))
        for cohort in told.cohorts
    ]
    for code in told.codes:
        text = _("code {code}: {referrals} referred, {sales} sales")
        notes.append(text.format(**plain(code)))
    standing = "\n".join([*notes, period_words(told.first, told.last, told.height)])
    return table(form, "steps", rows, STEP_FIELDS, columns, standing, **more)


@report.command("kept")
@period_options
@home_option
@form_option()
def kept(first: int | None, last: int | None, home: Home, form: Form) -> None:
    """Show how many promises of each member can be judged, and how many were kept."""
    with part_of(Reports, home) as me:
        told = me.kept(first, last)
    more = plain(told)
    rows = more.pop("members")
    if form is Form.TEXT:
        for row in rows:
            row["rate"] = _of(row["per_mille"])
            row["stars"] = stars(row["stars_tenths"])
    columns = [
        Column("member_name", _("member")),
        Column("promised", _("promised"), is_number=True),
        Column("kept", _("kept"), is_number=True),
        Column("rate", _("part"), is_number=True),
        Column("stars", _("stars"), is_number=True),
        Column("withheld", _("withheld"), is_number=True),
    ]
    standing = period_words(told.first, told.last, told.height)
    nothing = _("No promise was due in this period.")
    return table(form, "members", rows, KEPT_FIELDS, columns, standing, nothing, **more)


@report.command("things")
@click.option("--needs", is_flag=True, help="The needs by tag, in place of the things.")
@period_options
@home_option
@form_option()
def things(needs: bool, first: int | None, last: int | None, home: Home, form: Form) -> None:
    """Show what lay idle, which needs nobody met, and how soon others became deals."""
    with part_of(Reports, home) as me:
        told = me.things_and_needs(first, last)
    more = plain(told)
    notes = [
        _("needs: {needs}, unmet: {unmet}").format(needs=told.needs, unmet=told.unmet),
        _("deals: {deals}, of these rings: {rings} ({part})").format(
            deals=told.deals, rings=told.rings, part=_of(told.rings_per_mille)
        ),
    ]
    if told.median_minutes is not None and told.longest_minutes is not None:
        text = _("from need to deal: {median} in the middle of {count}, {longest} at most")
        notes.insert(
            1,
            text.format(
                median=shown_minutes(told.median_minutes, spoken()),
                longest=shown_minutes(told.longest_minutes, spoken()),
                count=told.answered,
            ),
        )
    standing = "\n".join([*notes, period_words(told.first, told.last, told.height)])
    if needs:
        rows = more.pop("tags")
        columns = [
            Column("tag", _("tag")),
            Column("needs", _("needs"), is_number=True),
            Column("unmet", _("unmet"), is_number=True),
        ]
        nothing = _("Nobody needed anything in this period.")
        return table(form, "tags", rows, TAG_FIELDS, columns, standing, nothing, **more)
    rows = more.pop("lent")
    if form is Form.TEXT:
        for row in rows:
            row["rate"] = _of(row["per_mille"])
    columns = [
        Column("resource_name", _("thing")),
        Column("days", _("days"), is_number=True),
        Column("booked", _("lent"), is_number=True),
        Column("idle", _("idle"), is_number=True),
        Column("rate", _("idle part"), is_number=True),
    ]
    nothing = _("Nothing is lent here yet. To begin: weal thing terms THING")
    return table(form, "lent", rows, THING_FIELDS, columns, standing, nothing, **more)
