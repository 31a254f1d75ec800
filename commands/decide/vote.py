"""`weal vote`: what is voted on, how it stands, and who said what."""

from __future__ import annotations

from typing import Any

import click

from commonweal.client.ledger_view import LedgerView
from commonweal.client.texts import proposal_text_of, text_of
from commonweal.client.times import iso, shown
from commonweal.client.visible_text import visible
from commonweal.commands.decide import backtest as backtests
from commonweal.commands.terminal.language import N_, _
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.commands.terminal.tables import table
from commonweal.protocol.ledger.governance import proposal_records, proposals
from commonweal.protocol.ledger.governance.enactment import REMOVAL_YES_MIN
from commonweal.protocol.ledger.governance.proposals import (
    DECISION,
    PROPOSAL,
    REMOVAL,
    RULES,
    BallotRow,
    ProposalRow,
)
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "subject", "member", "member_name", "class", "status", "yes", "no", "abstain"),
    *("block", "needed", "electorate", "deadline", "height", "final"),
)

KINDS = {
    "ordinary": N_("ordinary"),
    "constitution": N_("constitution"),
    "membership": N_("membership"),
    "lazy": N_("lazy consensus"),
}
SUBJECTS = {
    "rules": N_("rules"),
    "removal": N_("removal"),
    "fork": N_("fork"),
    "decision": N_("decision"),
}
STATES = (
    *(N_("draft"), N_("open for votes"), N_("trial"), N_("passed"), N_("failed")),
    *(N_("withdrawn"), N_("stale")),
    *(N_("in force"), N_("superseded"), N_("sunset"), N_("yes"), N_("no"), N_("abstain")),
    *(N_("block"), N_("withdraw")),
)
"""How proposals stand and what members say, where people read it."""
IN_CHINESE = {"赞成": "yes", "反对": "no", "弃权": "abstain", "阻止": "block"}


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
    with folded(home) as found:
        rows = [
            as_row(found, id, row)
            for id, row in proposals.proposals(found.state).items()
            if every or row.status in (proposals.DRAFT, proposals.VOTING, proposals.TRIAL)
        ]
    if form is Form.TEXT:
        for row in rows:
            row["subject"] = _(SUBJECTS[row["subject"]])
            row["status"], row["class"] = _state(row["status"]), _(KINDS[row["class"]])
            row["deadline"] = shown(_ms(row["deadline"])) if row["deadline"] else ""
    columns = [
        Column("id", _("id")),
        Column("subject", _("about")),
        Column("class", _("class")),
        Column("status", _("state")),
        Column("yes", _("yes"), is_number=True),
        Column("no", _("no"), is_number=True),
        Column("needed", _("needs"), is_number=True),
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
    with folded(home) as found:
        chosen = found.id_among(id, PROPOSAL)
        proposal = proposals.proposal_row(found.state, chosen)
        assert proposal is not None, "it was found"
        row = as_row(found, chosen, proposal)
        check = backtests.compared(found, proposal)
        row["backtest_check"] = check and {**check._asdict(), "hash": check.hash.hex() or None}
        cast = proposals.votes(found.state, chosen)
        counted = proposals.votes(found.final, chosen)
        row["votes"] = [
            {
                "member": member.hex(),
                "member_name": found.name(member),
                "say": said,
                "final": counted.get(member) == said,
            }
            for member, said in sorted(cast.items())
        ]
        row["comments"] = [
            {
                "id": comment.hex(),
                "member": member.hex(),
                "member_name": found.name(member),
                "text": text_of(found.store, RecordId(comment)),
            }
            for comment, member in proposals.comments(found.state, chosen)
        ]
    if form is Form.JSON:
        return write_json(row)
    return _show(row)


def as_row(found: LedgerView, id: bytes, row: ProposalRow) -> dict[str, Any]:
    """Return a proposal as json says it."""
    backtest = row.backtest
    return {
        "id": id.hex(),
        "subject": row.subject,
        "member": row.member.hex(),
        "member_name": found.name(row.member),
        "class": row.kind,
        "status": row.status,
        "base": row.base.hex(),
        "target": row.target.hex() or None,
        "words": _words(found, id, row),
        "yes": row.yes,
        "no": row.no,
        "abstain": row.abstain,
        "block": row.block,
        "needed": row.needed or None,
        "electorate": row.electorate or None,
        "electorates": [_ballot(one) for one in row.ballots],
        "why": _why(found, id, row),
        "opened": iso(row.opened_ms) if row.opened_ms else None,
        "deadline": iso(row.deadline_ms) if row.deadline_ms else None,
        "until": iso(row.until_ms) if row.until_ms else None,
        "sunset_hours": row.sunset_hours or None,
        "backtest": None if backtest is None else backtest.hex(),
        "height": row.height or None,
        "final": found.final.get(PROPOSAL + id) == [*row],
    }


def _why(found: LedgerView, id: bytes, row: ProposalRow) -> str | None:
    """Return the reason that was given for a removal, or for keeping a record of a fork."""
    if row.subject in (RULES, DECISION):
        return None
    return proposal_text_of(found.store, RecordId(id))


def _words(found: LedgerView, id: bytes, row: ProposalRow) -> str:
    if row.subject == REMOVAL:
        return _("remove {name}").format(name=found.name(row.target))
    if row.subject == proposals.FORK:
        return _("keep {id}").format(id=row.target.hex()[:8])
    if row.subject == DECISION:
        return proposal_text_of(found.store, RecordId(id)) or ""
    return _("rules {id}").format(id=row.target.hex()[:8])


def _ballot(row: BallotRow) -> dict[str, Any]:
    """Return what one electorate is asked, and what it said, as json says it."""
    return {
        "role": row.voters or None,
        "electorate": row.electorate,
        "needed": row.needed,
        "quorum": row.quorum,
        "blocks": row.blocks_enough,
        "objections": row.objections_enough,
        "yes": row.yes,
        "no": row.no,
        "abstain": row.abstain,
        "block": row.block,
    }


def _asks(ballot: dict[str, Any]) -> str:
    """Return what one electorate is asked, in words."""
    words = [_("{needed} of {electorate} must say yes").format(**ballot)]
    if not ballot["needed"]:
        words = [_("silence of {electorate} is consent").format(**ballot)]
    if ballot["quorum"]:
        words.append(_("{quorum} must vote").format(**ballot))
    if ballot["blocks"]:
        words.append(_("{blocks} block stop it").format(**ballot))
    if ballot["objections"]:
        words.append(_("{objections} no or block stop it").format(**ballot))
    whose = _("all as {role}").format(role=visible(ballot["role"] or "")) if ballot["role"] else ""
    said = _("{yes} yes, {no} no, {abstain} abstain, {block} block").format(**ballot)
    return f"{whose}: {said}; " + ", ".join(words) if whose else f"{said}; " + ", ".join(words)


def _compared(check: dict[str, Any]) -> str:
    """Return in words whether a proposal's backtest is what this node computes."""
    if check["result"] == backtests.EQUAL:
        return _("equal: this node computes the same")
    if check["result"] == backtests.DIFFERS:
        return _("DIFFERS: this node computes {hash}").format(hash=check["hash"][:16])
    return _("cannot be computed here: {why}").format(why=check["why"])


def _show(row: dict[str, Any]) -> None:
    asked = [_asks(one) for one in row["electorates"]] or [
        _("{yes} yes, {no} no, {abstain} abstain, {block} block").format(**row)
    ]
    pairs = [
        (_("id"), row["id"]),
        (_("about"), f"{_(SUBJECTS[row['subject']])}: {row['words']}"),
        (_("proposed by"), row["member_name"]),
        (_("class"), _(KINDS[row["class"]])),
        (_("state"), _state(row["status"])),
        *((_("counted"), one) for one in asked),
        (_("until"), shown(_ms(row["deadline"])) if row["deadline"] else _("not open yet")),
    ]
    if row["why"]:
        pairs.insert(2, (_("why"), row["why"]))
    if row["backtest_check"]:
        pairs.append((_("backtest"), _compared(row["backtest_check"])))
    write_table(
        [Column("what", ""), Column("value", "")],
        [{"what": what, "value": value} for what, value in pairs],
    )
    if row["subject"] == REMOVAL:
        say()
        words = _("Whatever the rules say, a removal takes the yes of {least} other members.")
        say(words.format(least=REMOVAL_YES_MIN))
    if row["votes"]:
        say()
    for one in row["votes"]:
        word, mark = one["say"], "" if one["final"] else "  " + _("not sealed yet")
        say(f"{visible(one['member_name'])}: {_(word)}{mark}")
    for one in row["comments"]:
        say()
        say(f"{visible(one['member_name'])}: {visible(one['text'] or '')}")


def _state(status: str) -> str:
    return _("open for votes") if status == proposals.VOTING else _(status)


def _ms(time: str) -> int:
    from commonweal.client.times import read_time_ms

    return read_time_ms(time, 0)
