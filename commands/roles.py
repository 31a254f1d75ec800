"""`weal role`: who serves as what, by the catalogue that the rules have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.commands.folded import confirm, folded, submit, table
from commonweal.commands.language import _, ngettext
from commonweal.commands.options import form_option, home_option, passphrase_option
from commonweal.commands.output import Column, Form
from commonweal.protocol.errors import WouldNotCount
from commonweal.protocol.ledger import membership, roles
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.record import RecordId
from commonweal.storage.home import Home

FIELDS = ("role", "member", "member_name", "held", "endorsements", "needed", "final")


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
        rows += [{**one, "final": None} for one in known if one["role"] not in named]
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
        ],
        standing,
        roles=known,
    )


@role.command("claim")
@click.argument("role")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def claim(role: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Claim ROLE: you hold it once as many members endorse you as the rules ask."""
    from commonweal.node.events import Wish

    with folded(home) as found:
        before = [
            RecordId(row.claim)
            for name, row in roles.roles(found.state, found.me).items()
            if name in _path(found.kept.rules.roles.get(role))
        ]
        wish = Wish("role.claim", {"role": role}, tuple(before))
        written = submit(found, [wish], passphrase_file)
        needed = found.kept.rules.roles[role].endorsements
    words = _("You hold this role now: {role}.")
    if role == roles.WITNESS and not needed:
        words = _(
            "This device is offered as a witness: while your node runs, it gets a seat with one"
            " of the next seals. Then keep it running: a quorum must agree on each."
        )
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
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def endorse(member: str, role: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Agree that MEMBER serves as ROLE, which he claimed."""
    from commonweal.node.events import Wish

    with folded(home) as found:
        whom = found.member(member)
        row = roles.roles(found.state, whom).get(role)
        if row is None:
            from commonweal.commands.verdicts import said

            raise WouldNotCount(said(Reason.NOT_CLAIMED))
        data: dict[str, Any] = {"role": role, "member": bytes(whom)}
        wish = Wish("role.endorse", data, (RecordId(row.claim),))
        written = submit(found, [wish], passphrase_file)
        name = found.name(whom)
    words = _("You endorsed {name} as {role}.").format(name=name, role=role)
    return confirm(form, written, words, role=role, member=whom.hex())


@role.command("resign")
@click.argument("role")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def resign(role: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Give ROLE back, or your claim of it."""
    from commonweal.node.events import Wish

    with folded(home) as found:
        written = submit(found, [Wish("role.resign", {"role": role})], passphrase_file)
    return confirm(form, written, _("You resigned as {role}.").format(role=role), role=role)


def _path(role: Any) -> tuple[str, ...]:
    return () if role is None else tuple(role.after)
