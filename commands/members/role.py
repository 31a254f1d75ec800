"""`weal role`: claiming a role, endorsing another member's claim, and resigning."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.access import wish_of
from commonweal.client.community.members import Members
from commonweal.client.home.submit import WrittenRecord
from commonweal.client.language.plain import plain_rows
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, ngettext
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    make_sure,
    passphrase_option,
)
from commonweal.commands.terminal.output import Column, Form, warn
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.ledger.members.roles import WITNESS
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.witnesses import SAFE_WITNESSES_MIN
from commonweal.protocol.vocabulary.identifiers import normal_name
from commonweal.storage.home.home import Home

FIELDS = ("role", "member", "member_name", "held", "endorsements", "needed", "final", "waits_for")

role_argument = click.argument(
    "role", callback=lambda _context, _parameter, role: normal_name(role)
)
"""ROLE, in the form that names have: another one is asked about where it matters."""


@click.group("role")
def role() -> None:
    """List the roles, claim one, endorse another member's claim, or resign."""


@role.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the roles that the rules have, and who holds or claims them."""
    with part_of(Members, home) as me:
        listed, standing = me.roles(), me.view.standing()
    rows, known = plain_rows(listed.claims), plain_rows(listed.roles)
    if form is Form.TEXT:
        named = {row["role"] for row in rows}
        rows += [
            {**row, "final": None, "waits_for": []} for row in known if row["role"] not in named
        ]
    return table(
        form,
        "claims",
        rows,
        FIELDS,
        [
            Column("role", _("role")),
            Column("member_name", _("member")),
            Column("held", _("holds it")),
            Column("endorsements", _("endorsed by"), is_number=True),
            Column("needed", _("needed"), is_number=True),
            Column("final", _("final")),
            Column("waits_for", _("waits for")),
        ],
        standing,
        roles=known,
    )


@role.command("claim")
@role_argument
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def claim(role: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Claim ROLE: you hold it once as many members endorse you as the rules ask.

    As a witness you get a seat beside fewer than four only when all who are seated endorse you.
    """
    with part_of(Members, home, passphrase_file) as me:
        if role == WITNESS:
            me.view.check(wish_of("role.claim", {"role": role}))
            _explain(me, _("Do you offer this device as a witness?"), yes=yes)
        claimed = me.claim_role(role)
        needed, own_name = claimed.needed, me.view.name(me.view.me)
    words = _("You hold this role now: {role}.")
    if role == WITNESS and not needed:
        words = _(
            "This device is offered as a witness: while your node runs, it gets a seat with one"
            " of the next seals. Then keep it running: a quorum must agree on each."
        )
        if claimed.asked:
            words = _(
                "This device is offered as a witness. It gets a seat once these members say: "
                "weal role endorse {me} witness. They are: {names}. Keep your node running."
            ).format(me=own_name, names=", ".join(claimed.asked))
    if needed:
        words = ngettext(
            "Claimed: {role}. It holds once {needed} other member endorses it.",
            "Claimed: {role}. It holds once {needed} other members endorse it.",
            needed,
        )
    written = WrittenRecord(claimed.id, claimed.seq)
    return confirm(form, written, words.format(role=role, needed=needed), role=role)


@role.command("endorse")
@click.argument("member")
@role_argument
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def endorse(
    member: str, role: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Agree that MEMBER serves as ROLE, which they claimed."""
    with part_of(Members, home, passphrase_file) as me:
        name = me.view.name(me.view.member(member))
        if role == WITNESS:
            me.check_endorsement(member, role)
            question = _("Shall {name} be a witness?").format(name=visible(name))
            _explain(me, question, yes=yes)
        endorsement = me.endorse_role(member, role)
    words = _("You endorsed {name} as {role}.").format(name=name, role=role)
    return confirm(form, endorsement, words)


@role.command("resign")
@role_argument
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def resign(role: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Give ROLE back, or your claim of it."""
    with part_of(Members, home, passphrase_file) as me:
        resigned = me.resign_role(role)
    words = _("You resigned as {role}.")
    if resigned.is_seated:
        words += " " + _("Keep your node running until a seal says so: weal status.")
    written = WrittenRecord(resigned.id, resigned.seq)
    return confirm(form, written, words.format(role=role), role=role)


def _explain(me: Members, question: str, *, yes: bool) -> None:
    """Say what one more witness means for a set below four, and ask."""
    now = me.seated_witnesses()
    if now < SAFE_WITNESSES_MIN:
        quorum = quorum_of(now + 1)
        words = _(
            "With {all} witnesses, {needed} must agree on each seal. When {lost} of them are gone"
            " for good, nothing becomes final any more; only a new community helps: weal refound."
        )
        lost = quorum.crashes + 1
        warn(words.format(all=quorum.witnesses, needed=quorum.needed, lost=lost))
        make_sure(question, yes=yes)
