"""`weal deal`: what members agree to give each other, from the first word to the last."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.contributions.record_states import RecordStates
from commonweal.client.exchange.deals.deals import Deals
from commonweal.client.exchange.deals.rows import DEAL_SORTS, DEAL_STATES
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.commands.exchange.deals.deal_pages import (
    ended_words,
    proposed_words,
    said_words,
    show_deal,
)
from commonweal.commands.exchange.deals.deal_terms import (
    TypedTerms,
    countered_terms,
    proposed_terms,
    terms_options,
)
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home


class DealsWithRecordStates(Deals, RecordStates):
    """The deals of a member, and how safe the records of each are."""


FIELDS = (
    *("id", "sort", "state", "group", "member_name", "party_names", "waits_for", "answer_by"),
    *("due", "clauses", "met", "words", "why", "counters", "final"),
)


@click.group("deal")
def deal() -> None:
    """Propose that members give each other something, answer it, and see how it is kept."""


@deal.command("list")
@click.option("--all", "closed", is_flag=True, help="Also what is done, or came to nothing.")
@click.option("--everyone", is_flag=True, help="Also deals to which you are no party.")
@home_option
@form_option()
def list_(closed: bool, everyone: bool, home: Home, form: Form) -> None:
    """List your deals: first what is asked of you, then what is overdue, and what is under way."""
    with part_of(Deals, home) as me:
        listed = me.deals(closed=closed, everyone=everyone)
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, of in zip(rows, listed, strict=True):
            row["state"] = _(DEAL_STATES[of.state])
            row["sort"] = _(DEAL_SORTS[of.sort])
            row["due"] = "" if of.due_ms is None else shown(of.due_ms)
            row["answer_by"] = "" if of.answer_by_ms is None else shown(of.answer_by_ms)
            row["met"] = f"{of.met}/{of.clauses}"
    columns = [
        Column("id", _("id")),
        Column("state", _("state")),
        Column("sort", _("sort")),
        Column("member_name", _("proposed by")),
        Column("waits_for", _("waits for")),
        Column("answer_by", _("until")),
        Column("met", _("kept"), is_number=True),
        Column("due", _("due")),
        Column("words", _("what")),
    ]
    empty = _("You have no deal that is open. To begin: weal deal propose ID")
    return table(form, "deals", rows, FIELDS, columns, "", empty)


@deal.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the deal whose id begins with ID: its clauses, who has signed, and what is open."""
    with part_of(DealsWithRecordStates, home) as me:
        details = me.deal(id)
        if form is Form.JSON:
            return write_json(plain(details))
        records = [details.id, *(party.record for party in details.signatures if party.record)]
        states = me.record_states(records)
    return show_deal(details, states)


@deal.command("propose")
@click.argument("id", required=False)
@click.argument("quantity", required=False)
@click.argument("unit", required=False)
@click.option(
    *("--flow", "flows"),
    nargs=2,
    multiple=True,
    metavar="OFFER NEED",
    help="A match; several of them make a ring.",
)
@terms_options
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def propose(
    id: str | None,
    quantity: str | None,
    unit: str | None,
    flows: tuple[tuple[str, str], ...],
    typed: TypedTerms,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Propose a deal: weal deal propose ID 2 hours.

    ID is an offer, or a need that you meet; without QUANTITY all that is left of it. Or say freely
    who gives what: weal deal propose --with Bo --give "work 2 hours" --take "transfer 30 EUR".
    What is given is ACTION QUANTITY UNIT [KIND]; between others, FROM TO stand before it:
    --clause "Ana Bo transfer 50 kg apples".

    It is your yes; the deal is in force once all say yes who give or get something by it.
    """
    with part_of(Deals, home, passphrase_file) as me:
        terms = proposed_terms(me, id, (quantity, unit), flows, typed)
        made = me.propose_deal(terms, answer_by=typed.answer_by, note=typed.note)
    return confirm(form, made, proposed_words(made))


@deal.command("counter")
@click.argument("id")
@click.option(
    *("--set", "changes"),
    nargs=3,
    multiple=True,
    metavar="N QUANTITY UNIT",
    help="Another quantity of the clause N.",
)
@terms_options
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def counter(
    id: str,
    changes: tuple[tuple[str, str, str], ...],
    typed: TypedTerms,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Propose other terms in place of the deal ID: weal deal counter ID --set 1 3 hours.

    The clauses are numbered as `weal deal show` lists them. With --give, --take, --clause or
    --return, those are all the terms.
    """
    with part_of(Deals, home, passphrase_file) as me:
        terms = countered_terms(me, id, changes, typed)
        made = me.counter_deal(id, terms, answer_by=typed.answer_by, note=typed.note)
    return confirm(form, made, proposed_words(made))


@deal.command("accept")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def accept(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say yes to the deal whose id begins with ID; the last yes puts it in force."""
    with part_of(Deals, home, passphrase_file) as me:
        said = me.accept_deal(id)
    return confirm(form, said, said_words(_("You said yes."), said))


@deal.command("decline")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def decline(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say no to the deal whose id begins with ID, for good; `counter` proposes other terms."""
    with part_of(Deals, home, passphrase_file) as me:
        said = me.decline_deal(id)
    return confirm(form, said, _("You declined. The deal comes to nothing."))


@deal.command("withdraw")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def withdraw(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take back your yes to the deal whose id begins with ID, while another's is missing."""
    with part_of(Deals, home, passphrase_file) as me:
        said = me.withdraw_deal(id)
    return confirm(form, said, _("You withdrew. The deal comes to nothing."))


@deal.command("done")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def done(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say that the deal whose id begins with ID is done, though not all of it was recorded."""
    with part_of(Deals, home, passphrase_file) as me:
        said = me.done_deal(id)
    return confirm(form, said, ended_words(_("You said that it is done."), said))


@deal.command("end")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def end(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Give up the deal whose id begins with ID: nothing is promised once all parties say so."""
    with part_of(Deals, home, passphrase_file) as me:
        said = me.end_deal(id)
    return confirm(form, said, ended_words(_("You gave it up."), said))


@deal.command("comment")
@click.argument("id")
@click.argument("text")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def comment(id: str, text: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say something about the deal whose id begins with ID; its text can be erased later."""
    with part_of(Deals, home, passphrase_file) as me:
        said = me.comment_deal(id, text)
    return confirm(form, said, _("Your comment is written."))
