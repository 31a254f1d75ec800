"""`weal role`: who serves as what, by the catalogue that the rules have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.ledger_view import LedgerView, submit
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import _, ngettext
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    make_sure,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Column, Form, warn
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.errors import WouldNotCount
from commonweal.protocol.ledger.governance import witness_set
from commonweal.protocol.ledger.members import membership, roles
from commonweal.protocol.ledger.members.roles import WITNESS
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.witnesses import SAFE_WITNESSES_MIN
from commonweal.storage.home.home import Home

FIELDS = ("role", "member", "member_name", "held", "endorsements", "needed", "final", "waits_for")


@click.group("role")
def role() -> None:
    """List the roles, claim one, endorse another member's claim, or resign."""


@role.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the roles that the rules have, and who holds or claims them."""
    with folded(home) as found:
        catalogue = found.kept.rules.roles
        rows: list[dict[str, Any]] = []
        waiting = witness_set.unendorsed(found.state, found.kept.cut.height)
        for member in membership.members(found.state):
            final = roles.roles(found.final, member.id)
            for name, row in roles.roles(found.state, member.id).items():
                rows.append(
                    {
                        "role": name,
                        "member": member.id.hex(),
                        "member_name": found.name(member.id),
                        "held": row.held,
                        "endorsements": row.endorsements,
                        "needed": catalogue[name].endorsements if name in catalogue else None,
                        "final": final.get(name) == row,
                        "waits_for": [
                            found.name(one)
                            for one in (waiting.get(member.id, ()) if name == WITNESS else ())
                        ],
                    }
                )
        named = {row["role"] for row in rows}
        known = [
            {
                "role": name,
                "needed": one.endorsements,
                "after": list(one.after),
                "duties": one.duties,
                "benefits": one.benefits,
            }
            for name, one in sorted(catalogue.items())
        ]
        standing = found.standing()
    rows.sort(key=lambda row: (row["role"], not row["held"], row["member_name"], row["member"]))
    if form is Form.TEXT:
        rows += [
            {**one, "final": None, "waits_for": []} for one in known if one["role"] not in named
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
            Column("needed", _("needs"), is_number=True),
            Column("final", _("final")),
            Column("waits_for", _("waits for")),
        ],
        standing,
        roles=known,
    )


@role.command("claim")
@click.argument("role")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def claim(role: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Claim ROLE: you hold it once as many members endorse you as the rules ask.

    As a witness you get a seat beside fewer than four only when all who are seated endorse you.
    """
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        if role == WITNESS:
            found.check(Wish("role.claim", {"role": role}))
            _explain(found, _("Do you offer this device as a witness?"), yes=yes)
        before = [
            RecordId(row.claim)
            for name, row in roles.roles(found.state, found.me).items()
            if name in _path(found.kept.rules.roles.get(role))
        ]
        wish = Wish("role.claim", {"role": role}, tuple(before))
        written = submit(found, [wish], unlocking(passphrase_file))
        needed = found.kept.rules.roles[role].endorsements
        asked = _asked(found)
    words = _("You hold this role now: {role}.")
    if role == WITNESS and not needed:
        words = _(
            "This device is offered as a witness: while your node runs, it gets a seat with one"
            " of the next seals. Then keep it running: a quorum must agree on each."
        )
        if asked:
            words = _(
                "This device is offered as a witness. It gets a seat once these members say: "
                "weal role endorse {me} witness. They are: {names}. Keep your node running."
            ).format(me=found.name(found.me), names=", ".join(asked))
    if needed:
        words = ngettext(
            "Claimed: {role}. It holds once {needed} other member endorses it.",
            "Claimed: {role}. It holds once {needed} other members endorse it.",
            needed,
        )
    return confirm(form, written, words.format(role=role, needed=needed), role=role)


@role.command("endorse")
@click.argument("member")
@click.argument("role")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def endorse(
    member: str, role: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Agree that MEMBER serves as ROLE, which they claimed."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        whom = found.member(member)
        row = roles.roles(found.state, whom).get(role)
        if row is None:
            raise WouldNotCount(_(Reason.NOT_CLAIMED.value))
        data: dict[str, Any] = {"role": role, "member": bytes(whom)}
        wish = Wish("role.endorse", data, (RecordId(row.claim),))
        name = found.name(whom)
        if role == WITNESS:
            found.check(wish)
            question = _("Shall {name} be a witness?").format(name=visible(name))
            _explain(found, question, yes=yes)
        written = submit(found, [wish], unlocking(passphrase_file))
    words = _("You endorsed {name} as {role}.").format(name=name, role=role)
    return confirm(form, written, words, role=role, member=whom.hex())


@role.command("resign")
@click.argument("role")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def resign(role: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Give ROLE back, or your claim of it."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        written = submit(found, [Wish("role.resign", {"role": role})], unlocking(passphrase_file))
        mine = any(one.member == found.me for one in witness_set.seated(found.state))
    words = _("You resigned as {role}.")
    if role == WITNESS and mine:
        words += " " + _("Keep your node running until a seal says so: weal status.")
    return confirm(form, written, words.format(role=role), role=role)


def _explain(found: LedgerView, question: str, *, yes: bool) -> None:
    """Say what one more witness means for a set below four, and ask."""
    now = len(witness_set.seated(found.state))
    if now < SAFE_WITNESSES_MIN:
        quorum = quorum_of(now + 1)
        words = _(
            "With {all} witnesses, {needed} must agree on each seal. When {lost} of them are gone"
            " for good, nothing becomes final any more; only a new community helps: weal refound."
        )
        lost = quorum.crashes + 1
        warn(words.format(all=quorum.witnesses, needed=quorum.needed, lost=lost))
        make_sure(question, yes=yes)


def _asked(found: LedgerView) -> list[str]:
    """Return the names of those whose endorsement a seat of ours waits for."""
    seated = witness_set.seated(found.state)
    if len(seated) >= SAFE_WITNESSES_MIN or any(one.member == found.me for one in seated):
        return []
    return [found.name(one.member) for one in seated]


def _path(role: Any) -> tuple[str, ...]:
    return () if role is None else tuple(role.after)
