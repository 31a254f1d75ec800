"""`weal campaign`: sums that members raise together, until a deadline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.client.ventures.campaigns.campaigns import Campaigns
from commonweal.client.ventures.campaigns.rows import (
    GIVES,
    STATES,
    CampaignDetails,
    ListedPledge,
    amount_words,
    missed_words,
    outcome_words,
)
from commonweal.commands.terminal.language import _, labelled, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "title", "member", "member_name", "state", "sort", "gives", "unit", "minimum"),
    *("optimum", "maximum", "least", "most", "matching", "scope", "reward", "reward_unit"),
    *("deadline", "collect_by", "days_left", "pledges", "pledged", "would_be_met", "counted"),
    *("paid", "if_short", "height", "mine", "mine_counts", "mine_open", "mine_record"),
)


@click.group("campaign")
def campaign() -> None:
    """Raise a sum together until a deadline; list campaigns, show and cancel them."""


@campaign.command("new")
@click.argument("title")
@click.argument("minimum")
@click.argument("unit")
@click.argument("deadline")
@click.option("--optimum", metavar="N", help="What would be best.")
@click.option("--maximum", metavar="N", help="No more than this counts.")
@click.option("--least", metavar="N", help="The least that one pledge is.")
@click.option("--most", metavar="N", help="The most that one pledge is.")
@click.option("--keep", is_flag=True, help="What comes is kept; MINIMUM is 0.")
@click.option("--gives", type=click.Choice([*GIVES]), help="What paying is; a gift unless said.")
@click.option("--reward", nargs=2, metavar="N UNIT", help="What each who pays all is promised.")
@click.option("--match", "matching", type=int, metavar="N", help="Matching pledges add N to 1.")
@click.option("--pay-by", metavar="DAY", help="Until when to pay; two weeks later unless said.")
@click.option("--scope", metavar="NAME", help="What it is for: the name of a project.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@click.option("--replaces", metavar="ID", help="A campaign of yours with no pledges.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    title: str,
    minimum: str,
    unit: str,
    deadline: str,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
    **typed: Any,
) -> None:
    """Begin a campaign: weal campaign new "a press" 1000 EUR 30d.

    Members pledge until DEADLINE. The first seal after it says whether MINIMUM is met; only then
    does anybody owe what they pledged, to the community. No money moves before.
    """
    terms: Any = {name: value for name, value in typed.items() if value}
    with part_of(Campaigns, home, passphrase_file) as me:
        made = me.begin_campaign(title, minimum, unit, deadline, **terms)
    words = _("Begun, as {id}: {shown}, until {time}.").replace("{time}", shown(made.deadline_ms))
    return confirm(form, made, words, visible(made.title))


@campaign.command("list")
@click.option("--all", "closed", is_flag=True, help="Those that are over too.")
@home_option
@form_option()
def list_(closed: bool, home: Home, form: Form) -> None:
    """List campaigns: what is pledged and needed, and until when."""
    with part_of(Campaigns, home) as me:
        listed, standing = me.campaigns(closed=closed), me.standing()
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, raised in zip(rows, listed, strict=True):
            row["state"] = _(STATES[raised.state])
            row["pledged"] = amount_words(raised.pledged, raised.unit, spoken())
            row["minimum"] = amount_words(raised.minimum, raised.unit, spoken())
            row["until"] = shown(raised.deadline_ms)
    columns = [
        Column("id", _("id")),
        Column("title", _("title")),
        Column("pledged", _("pledged"), is_number=True),
        Column("minimum", _("needed"), is_number=True),
        Column("until", _("until")),
        Column("state", _("state")),
    ]
    nothing = _('No campaign is open. Begin one: weal campaign new "a press" 1000 EUR 30d')
    return table(form, "campaigns", rows, FIELDS, columns, standing, nothing)


@campaign.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the campaign whose id begins with ID: what would become of it now, and who pledges."""
    with part_of(Campaigns, home) as me:
        details, standing = me.campaign(id), me.standing()
    if form is Form.JSON:
        return write_json(plain(details))
    for line in _lines(details):
        say(line)
    if details.backers:
        say()
        columns = [
            Column("member", _("member")),
            Column("amount", _("pledged"), is_number=True),
            Column("counts", _("counts"), is_number=True),
            Column("open", _("not paid"), is_number=True),
            Column("words", ""),
        ]
        write_table(columns, [_row(backer) for backer in details.backers])
    say()
    return say(standing)


@campaign.command("cancel")
@click.argument("id")
@click.option("--vote", is_flag=True, help="Propose it: members vote on it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def cancel(id: str, vote: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Cancel the campaign whose id begins with ID: yours, while nothing is pledged.

    With --vote members decide; what was paid to it is then owed back.
    """
    with part_of(Campaigns, home, passphrase_file) as me:
        done = me.cancel_campaign(id, vote=vote)
    words = _("Proposed, as {id}: cancel {shown}.") if vote else _("Cancelled: {shown}.")
    return confirm(form, done, words, visible(done.title))


@campaign.command("extend")
@click.argument("id")
@click.argument("until")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def extend(id: str, until: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Propose that members have until UNTIL to pay for a campaign that was met."""
    with part_of(Campaigns, home, passphrase_file) as me:
        done = me.extend_campaign(id, until)
    return confirm(form, done, _("Proposed, as {id}: more time for {shown}."), visible(done.title))


def _lines(details: CampaignDetails) -> list[str]:
    """Return a campaign in words, without who pledges."""
    words, unit = spoken(), details.unit
    state = _(STATES[details.state])
    lines = [labelled(visible(details.title or details.id.hex()[:ID_DIGITS]), state)]
    lines += [visible(details.note)] if details.note else []
    text = _("{pledged} of {minimum} pledged by {count}, until {time}")
    pledged = amount_words(details.pledged, unit, words)
    minimum = amount_words(details.minimum, unit, words)
    time = shown(details.deadline_ms)
    about = {"pledged": pledged, "minimum": minimum, "count": details.pledges, "time": time}
    lines.append(text.format(**about))
    lines.append(outcome_words(details, words))
    if details.state == "open":
        lines.append(missed_words(details, words))
    if details.reward is not None and details.reward_unit is not None:
        text = _("Each who pays all of their pledge is promised {reward}.")
        lines.append(text.format(reward=amount_words(details.reward, details.reward_unit, words)))
    if details.mine_open:
        text = _("You owe {amount}, until {time}: weal pledge pay {id}")
        amount = amount_words(details.mine_open, unit, words)
        id = details.id.hex()[:ID_DIGITS]
        lines.append(text.format(amount=amount, time=shown(details.collect_by_ms), id=id))
    return lines


def _row(backer: ListedPledge) -> dict[str, Any]:
    """Return a pledge as a row for people."""
    said = []
    if backer.withdrawn:
        said.append(_("withdrawn"))
    elif backer.lost_to is not None:
        said.append(_("no room: {id} came first").format(id=backer.lost_to.hex()[:ID_DIGITS]))
    if backer.matches:
        said.append(_("adds to others"))
    return {
        "member": visible(backer.member_name),
        "amount": f"{backer.amount:,f}",
        "counts": f"{backer.counts:,f}",
        "open": "" if backer.open is None else f"{backer.open:,f}",
        "words": ", ".join(said),
    }
