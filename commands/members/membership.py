"""`weal vouch`, `leave`, `remove` and `resolve`: who comes, who goes, what of a fork stays."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.community.membership import Membership
from commonweal.client.home.submit import WrittenRecord
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    make_sure,
    passphrase_option,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.commands.terminal.tables import confirm
from commonweal.protocol.ledger.governance.ballot_rows import REMOVAL_YES_MIN
from commonweal.storage.home.home import Home


@click.command("vouch")
@click.argument("member")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def vouch(member: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Vouch for MEMBER, who asks to join; `weal members` lists who does.

    The invite is its author's vouch, within what the rules let a member bring in a week. Beyond
    that, and where the rules ask for more, others vouch by hand.
    """
    with part_of(Membership, home, passphrase_file) as me:
        made = me.vouch(member)
        name = me.view.name(made.member)
    if form is Form.JSON:
        return write_json({"id": made.id.hex(), "seq": made.seq, "member": made.member.hex()})
    words = _("You vouched for {name}.").format(name=name)
    if made.needed > made.given:
        words += " " + _("{n} of {needed} did.").format(n=made.given, needed=made.needed)
    return say(words)


@click.command("leave")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def leave(yes: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Leave the community. What you gave, and what you were given for it, stays yours.

    You come back by a new invite: weal join LINK, from this home or with your 24 words.
    """
    with part_of(Membership, home, passphrase_file) as me:
        me.check_leaving()
        if form is Form.TEXT:
            warn(
                _(
                    "Your invites and roles end. You come back only by a new invite of a member:"
                    " weal join LINK, here, or on another device with your 24 words."
                )
            )
        make_sure(_("Do you leave the community?"), yes=yes)
        written = me.leave()
    return confirm(form, written, _("You left the community."))


@click.command("remove")
@click.argument("member")
@click.option("--note", metavar="TEXT", help="Why, for those who vote; it is never erased.")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def remove(
    member: str,
    note: str | None,
    yes: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Propose that MEMBER is a member no longer: the others vote on it.

    It takes the yes of two others, whatever the rules say.
    """
    with part_of(Membership, home, passphrase_file) as me:
        name = me.view.name(me.view.member(member))
        question = _("Shall all vote on whether {name} is a member no longer?")
        make_sure(question.format(name=visible(name)), yes=yes)
        proposal = me.remove(member, note=note)
    words = _("Proposed, as {id}. Vote with: weal rules vote {id} yes")
    if proposal.others < REMOVAL_YES_MIN:
        more = _("It takes the yes of {least} other members, and there are {others}.")
        words += "\n" + more.format(least=REMOVAL_YES_MIN, others=proposal.others)
    written = WrittenRecord(proposal.id, proposal.seq)
    return confirm(form, written, words, member=proposal.member.hex())


@click.command("resolve")
@click.argument("record")
@click.option("--note", metavar="TEXT", help="Why, for those who vote; it is never erased.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def resolve(
    record: str, note: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Propose that RECORD, one of two by which a device forked its log, counts all the same.

    The log stays frozen after it. A seal must have named the fork before.
    """
    with part_of(Membership, home, passphrase_file) as me:
        proposal = me.resolve_fork(record, note=note)
    words = _("Proposed, as {id}. Vote with: weal rules vote {id} yes")
    return confirm(form, proposal, words)
