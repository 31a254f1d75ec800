"""`weal market`: what members offer and need."""

from __future__ import annotations

from typing import Any

import click

from commonweal.client.exchange.market import ALL, Market, MarketList
from commonweal.client.exchange.offer_rows import (
    NEED,
    OFFER,
    STATES,
    ListedOffer,
    price_words,
)
from commonweal.client.language.days import shown_until
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.times import shown
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import table
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "sort", "state", "title", "quantity", "left", "unit", "price", "tags", "to", "place"),
    *("begin", "end", "due", "member_name", "agent_name", "note"),
)


@click.command("market")
@click.option("--offers", is_flag=True, help="Only what is offered.")
@click.option("--needs", is_flag=True, help="Only what is needed.")
@click.option("--mine", is_flag=True, help="Only what you offer and need.")
@click.option("--tag", metavar="TAG", help="Only what has this tag.")
@click.option("--member", metavar="NAME", help="Only what is of this member.")
@click.option("--spec", metavar="NAME", help="Only things of this kind.")
@click.option("--text", metavar="TEXT", help="Only what says this in its title, note or tags.")
@click.option(
    "--state", type=click.Choice((*STATES, ALL)), help="Only what stands so; else what is open."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@home_option
@form_option()
def market(
    offers: bool,
    needs: bool,
    mine: bool,
    tag: str | None,
    member: str | None,
    spec: str | None,
    text: str | None,
    state: str | None,
    limit: int | None,
    home: Home,
    form: Form,
) -> None:
    """List what members offer and need, the newest first.

    How each stands is computed by the time of the last seal, so all members read the same.
    """
    if offers and needs:
        raise UsageError(_("either --offers or --needs; without them it lists both"))
    sort = OFFER if offers else NEED if needs else None
    with part_of(Market, home) as me:
        listed = me.market(
            sort=sort,
            mine=True if mine else None,
            tag=tag,
            member=member,
            spec=spec,
            text=text,
            state=state,
            limit=limit,
        )
    rows = plain_rows(listed.offers)
    if form is not Form.JSON:
        rows = [_row(row, of, form) for row, of in zip(rows, listed.offers, strict=True)]
    columns = [
        Column("id", _("id")),
        Column("sort", _("sort")),
        Column("state", _("state")),
        Column("title", _("what")),
        Column("left", _("remaining"), is_number=True),
        Column("unit", _("unit")),
        Column("price", _("in return")),
        Column("end", _("until")),
        Column("tags", _("tags")),
        Column("to", _("only for")),
        Column("agent_name", _("member")),
    ]
    empty = _(
        'Nobody offers or needs anything that fits. To begin: weal offer "bike repair" 2 hours'
    )
    more = {"total": listed.total, "at": plain(listed)["at"], "height": listed.height}
    return table(form, "offers", rows, FIELDS, columns, _standing(listed), empty, **more)


def _row(row: dict[str, Any], of: ListedOffer, form: Form) -> dict[str, Any]:
    """Return an offer on one line: of its first part, with the price in words."""
    words, first = spoken(), of.parts[0]
    others = ", ".join(part.title for part in of.parts[1:])
    row |= {
        "title": f"{of.title}, {others}" if others else of.title,
        "quantity": f"{first.quantity:f}",
        "left": f"{first.left:f}",
        "unit": first.unit,
        "price": price_words(of, words),
        "tags": ", ".join(of.tags),
        "to": ", ".join(of.to),
    }
    if form is Form.TEXT:
        state = _(STATES[of.state])
        if not all(part.is_theirs for part in of.parts):
            state = _("no longer theirs")
        row |= {
            "sort": _("offer") if of.sort == OFFER else _("need"),
            "state": state,
            "unit": shown_unit(first.unit, words),
            "end": shown_until(of.end_ms),
        }
    return row


def _standing(listed: MarketList) -> str:
    if listed.at_ms is None:
        return _("Nothing is sealed yet: no time is known to all, and nothing has ended.")
    words = _("As of the last seal, #{height} of {time}.")
    return words.format(height=f"{listed.height:,}", time=shown(listed.at_ms))
