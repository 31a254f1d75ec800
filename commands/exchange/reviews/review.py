"""`weal review`: review a deal that is done, list reviews, and open what may be opened."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.reviews.reviews import Reviews
from commonweal.client.exchange.reviews.rows import REVIEW_STATES, DealReview
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.groups import OPTIONS_FIRST, GroupWithDefault
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "deal", "member_name", "about_name", "state", "rating", "on_time", "as_agreed"),
    *("text", "only_here", "until", "may_write", "sealed", "words"),
)


@click.group("review", cls=GroupWithDefault, context_settings=OPTIONS_FIRST)
def review() -> None:
    """Review deals that are done; list reviews, and open what may be opened."""


@review.command("new")
@click.argument("deal")
@click.argument("rating", type=int)
@click.option("--on-time/--late", default=True, help="Whether it came in time.")
@click.option("--as-agreed/--otherwise", default=True, help="Whether it was what was agreed.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@click.option("--about", metavar="WHO", help="Which of several others in the deal.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    deal: str,
    rating: int,
    on_time: bool,
    as_agreed: bool,
    note: str | None,
    about: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Say what you think of the other side of DEAL, with 1 to 5 stars: weal review 3f2a 5.

    Nobody sees it before the other side has written theirs, or the time to review is over. Then
    your node opens it by itself. `weal review` alone means this command.
    """
    with part_of(Reviews, home, passphrase_file) as me:
        made = me.review_deal(
            deal, rating, on_time=on_time, as_agreed=as_agreed, note=note, about=about
        )
    if form is Form.JSON:
        return write_json(plain(made))
    text = _(
        "Written, as {id}: your review of {name}. It opens once both are sealed, or after {time};"
        " until then only this home has it."
    )
    name, time = visible(made.about_name), shown(made.until_ms)
    return say(text.format(id=made.id.hex()[:ID_DIGITS], name=name, time=time))


@review.command("list")
@click.argument("deal", required=False)
@click.option("--everyone", is_flag=True, help="Also reviews of deals to which you are no party.")
@home_option
@form_option()
def list_(deal: str | None, everyone: bool, home: Home, form: Form) -> None:
    """List the reviews of your deals, or of DEAL: first what you can write now."""
    with part_of(Reviews, home) as me:
        listed = me.reviews(deal, everyone=everyone)
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, of in zip(rows, listed, strict=True):
            row |= _shown(of)
    columns = [
        Column("deal", _("deal")),
        Column("member_name", _("by")),
        Column("about_name", _("about")),
        Column("state", _("state")),
        Column("rating", _("stars"), is_number=True),
        Column("on_time", _("on time")),
        Column("as_agreed", _("as agreed")),
        Column("until", _("until")),
        Column("text", _("note")),
        Column("words", _("what")),
    ]
    empty = _("No deal of yours is done, so there is nothing to review.")
    return table(form, "reviews", rows, FIELDS, columns, "", empty)


@review.command("open")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def open_(passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Open your reviews for which nobody waits blind; a running node does so by itself."""
    with part_of(Reviews, home, passphrase_file) as me:
        opened = me.open_reviews()
    if form is Form.JSON:
        return write_json({"opened": [plain(review) for review in opened]})
    for review in opened:
        text = _("Opened: your review of {name}.")
        say(text.format(name=visible(review.about_name)))
    if not opened:
        say(_("Nothing can be opened now: weal review list"))
    return None


def _shown(review: DealReview) -> dict[str, str]:
    """Return what of a review is said in words."""
    yes_no = {True: _("yes"), False: _("no"), None: ""}
    state = _(REVIEW_STATES[review.state])
    return {
        "state": _("{state} (only here)").format(state=state) if review.only_here else state,
        "on_time": yes_no[review.on_time],
        "as_agreed": yes_no[review.as_agreed],
        "rating": "" if review.rating is None else str(review.rating),
        "until": "" if review.until_ms is None else shown(review.until_ms),
        "text": review.text or "",
    }
