"""`weal vouch`, `leave`, `remove` and `resolve`: who comes, who goes, what of a fork stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.directory import called
from commonweal.client.ledger_view import note_body, submit
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    make_sure,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Form, warn
from commonweal.commands.terminal.tables import confirm
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.governance.enactment import REMOVAL_YES_MIN
from commonweal.protocol.ledger.members import invites, membership
from commonweal.protocol.records.record import DEPS_MAX
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
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        asking = {one.member: one for one in membership.pending_requests(found.state)}
        if not asking:
            raise UnknownId(_("nobody asks to join now"))
        whom = called({one: found.name(one) for one in asking}, member)
        request = asking[whom]
        data: dict[str, Any] = {"member": bytes(whom), "request": bytes(request.id)}
        wish = Wish("member.vouch", data, (request.id,))
        written = submit(found, [wish], unlocking(passphrase_file))
        name, needed = found.name(whom), found.kept.rules.joining.vouches
    words = _("You vouched for {name}.").format(name=name)
    if needed > request.vouches + 1:
        words += " " + _("{n} of {needed} did.").format(n=request.vouches + 1, needed=needed)
    return confirm(form, written, words, member=whom.hex())


@click.command("leave")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def leave(yes: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Leave the community. What you gave, and what you were given for it, stays yours.

    You come back by a new invite: weal join LINK, from this home or with your 24 words.
    """
    from commonweal.node.service.events import Wish

    wish = Wish("member.leave", {})
    with folded(home) as found:
        found.check(wish)
        if form is Form.TEXT:
            warn(
                _(
                    "Your invites and roles end. You come back only by a new invite of a member:"
                    " weal join LINK, here, or on another device with your 24 words."
                )
            )
        make_sure(_("Do you leave the community?"), yes=yes)
        written = submit(found, [wish], unlocking(passphrase_file))
    return confirm(form, written, _("You left the community."))


@click.command("remove")
@click.argument("member")
@click.option("--note", metavar="TEXT", help="Why, for those who vote; it is never erased.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def remove(
    member: str, note: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Propose that MEMBER is a member no longer: the others vote on it.

    It takes the yes of two others, whatever the rules say.
    """
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        whom = found.member(member)
        known = membership.member(found.state, whom)
        if known is None or known.status != "active":
            raise UnknownId(_("{name} is no member now").format(name=found.name(whom)))
        data: dict[str, Any] = {"subject": "removal", "member": bytes(whom)}
        cited = invites.admissions(found.state, whom)[-DEPS_MAX + 1 :]
        cited += () if known.profile is None else (known.profile,)
        wish = Wish("rules.propose", data, cited, note_body(note, permanent=True, words=spoken()))
        written = submit(found, [wish], unlocking(passphrase_file))
        others = sum(
            one.status == "active" and one.id != whom for one in membership.members(found.state)
        )
    words = _("Proposed, as {id}. Vote with: weal rules vote {id} yes")
    if others < REMOVAL_YES_MIN:
        more = _("It takes the yes of {least} other members, and there are {others}.")
        words += "\n" + more.format(least=REMOVAL_YES_MIN, others=others)
    return confirm(form, written, words, member=whom.hex())


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
    from commonweal.node.service.events import Wish
    from commonweal.protocol.records.record import from_bytes_unchecked

    with folded(home) as found:
        kept = found.held(record)
        proof = found.store.proof(kept.author)
        pair = [] if proof is None else [from_bytes_unchecked(wire) for wire in proof.wires]
        if kept.id not in [one.id for one in pair] or pair[0].seq != pair[1].seq:
            raise UnknownId(_("{id} is not one of two records of a fork").format(id=record))
        data: dict[str, Any] = {
            "subject": "fork",
            "device": bytes(kept.author),
            "seq": kept.seq,
            "pair": sorted(bytes(one.id) for one in pair),
            "keep": bytes(kept.id),
        }
        wish = Wish(
            "rules.propose", data, (kept.id,), note_body(note, permanent=True, words=spoken())
        )
        written = submit(found, [wish], unlocking(passphrase_file))
    words = _("Proposed, as {id}. Vote with: weal rules vote {id} yes")
    return confirm(form, written, words, record=kept.id.hex())
