"""`weal vote`: what is voted on, how it stands, and who said what."""

from __future__ import annotations

import click

from commonweal.client.governance import backtests
from commonweal.client.governance.backtests import BacktestCheck
from commonweal.client.governance.vote_words import (
    IN_CHINESE,
    KINDS,
    SUBJECTS,
    electorate_words,
    said,
    status_words,
)
from commonweal.client.governance.votes import ProposalDetails, Votes
from commonweal.client.language.plain import fields_of, plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, labelled, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.commands.terminal.tables import table
from commonweal.protocol.ledger.governance import proposal_records
from commonweal.protocol.ledger.governance.ballot_rows import REMOVAL_YES_MIN
from commonweal.protocol.ledger.governance.proposals import REMOVAL
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "subject", "member", "member_name", "class", "status", "yes", "no", "abstain"),
    *("block", "needed", "electorate", "deadline", "height", "final"),
)


class Saying(click.Choice[str]):
    """What a member says of a proposal, as it is typed: in English or in Chinese."""

    def __init__(self) -> None:
        super().__init__(list(proposal_records.CHOICES))

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word that stands in the record."""
        return super().convert(IN_CHINESE.get(value, value), param, ctx)


@click.group("vote")
def vote() -> None:
    """List what is voted on, or show how one vote stands; `weal rules vote` casts yours."""


@vote.command("list")
@click.option("--all", "every", is_flag=True, help="Decided ones too.")
@home_option
@form_option()
def list_(every: bool, home: Home, form: Form) -> None:
    """List what is voted on, the oldest first."""
    with part_of(Votes, home) as me:
        listed = me.proposals(decided=every)
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, proposal in zip(rows, listed, strict=True):
            row["subject"] = _(SUBJECTS[proposal.subject])
            row["status"], row["class"] = (
                status_words(proposal.status, spoken()),
                _(KINDS[proposal.kind]),
            )
            row["deadline"] = shown(proposal.deadline_ms) if proposal.deadline_ms else ""
    columns = [
        Column("id", _("id")),
        Column("subject", _("about")),
        Column("class", _("class")),
        Column("status", _("state")),
        Column("yes", said("yes", spoken()), is_number=True),
        Column("no", said("no", spoken()), is_number=True),
        Column("needed", _("needed"), is_number=True),
        Column("deadline", _("until")),
        Column("words", _("what")),
    ]
    words = _("A vote opens, and closes, with a seal; until then nothing is counted.")
    return table(form, "votes", rows, FIELDS, columns, words)


@vote.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the proposal whose id begins with ID: what it asks, and who said what."""
    with part_of(Votes, home) as me:
        proposal = me.proposal(id)
    return write_json(plain(proposal)) if form is Form.JSON else _show(proposal)


def _compared(check: BacktestCheck) -> str:
    """Return in words whether a proposal's backtest is what this node computes."""
    if check.hash is None:
        return _("cannot be computed here: {why}").format(why=check.why)
    if check.result == backtests.EQUAL:
        return _("equal: this node computes the same")
    return _("DIFFERS: this node computes {hash}").format(hash=check.hash.hex()[:16])


def _show(proposal: ProposalDetails) -> None:
    count = _("{yes} yes, {no} no, {abstain} abstain, {block} block")
    asked = [electorate_words(electorate, spoken()) for electorate in proposal.electorates] or [
        count.format(**fields_of(proposal))
    ]
    until = _("not open yet") if proposal.deadline_ms is None else shown(proposal.deadline_ms)
    pairs = [
        (_("id"), proposal.id.hex()),
        (_("about"), labelled(_(SUBJECTS[proposal.subject]), proposal.words)),
        *([(_("why"), proposal.why)] if proposal.why else []),
        (_("proposed by"), proposal.member_name),
        (_("class"), _(KINDS[proposal.kind])),
        (_("state"), status_words(proposal.status, spoken())),
        *((_("counted"), sentence) for sentence in asked),
        (_("until"), until),
    ]
    if proposal.backtest_check:
        pairs.append((_("backtest"), _compared(proposal.backtest_check)))
    write_table(
        [Column("what", ""), Column("value", "")],
        [{"what": what, "value": value} for what, value in pairs],
    )
    if proposal.subject == REMOVAL:
        say()
        words = _("Whatever the rules say, a removal takes the yes of {least} other members.")
        say(words.format(least=REMOVAL_YES_MIN))
    if proposal.votes:
        say()
    for vote in proposal.votes:
        mark = "" if vote.final else "  " + _("not sealed yet")
        say(labelled(visible(vote.member_name), said(vote.say, spoken())) + mark)
    for comment in proposal.comments:
        say()
        say(labelled(visible(comment.member_name), visible(comment.text or "")))
