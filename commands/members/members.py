"""`weal members` and `weal device`: who belongs, and by which keys they write."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.community.invites import Invites
from commonweal.client.community.key_recovery import KeyRecovery
from commonweal.client.community.members import Members
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import N_, _
from commonweal.commands.terminal.links import show_link, tell_reach
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    warn,
    write_csv,
    write_json,
    write_table,
)
from commonweal.storage.home.home import Home

WORDS_OF_STATE = (
    *(N_("active"), N_("requested"), N_("new"), N_("open"), N_("used"), N_("expired"), N_("ended")),
    N_("connected"),
    N_("absent"),
)
"""How members, devices and invites stand, where people read it."""


@click.command("members")
@home_option
@form_option()
def members(home: Home, form: Form) -> None:
    """List the members, and those who were or want to be."""
    with part_of(Members, home) as me:
        rows, alike = plain_rows(me.members()), me.names_alike()
    if form is Form.JSON:
        return write_json({"members": rows})
    if form is Form.CSV:
        fields = ("member", "name", "status", "devices", "roles", "founder", "you", "powers")
        return write_csv(fields, [{**row, "roles": " ".join(row["roles"])} for row in rows])
    for row in rows:
        marks = [_("founder")] * row["founder"] + [_("you")] * row["you"] + row["roles"]
        if row["powers"] and row["status"] == "active":
            marks.append(_("votes from {time} on").format(time=row["powers"][:10]))
        marks += [_("{role}, claimed").format(role=role) for role in row["claimed"]]
        row |= {"id": row["member"][:8], "status": _(row["status"]), "marks": ", ".join(marks)}
    for group in alike:
        warn(
            _("These names look alike; tell them apart by their ids: {names}.").format(
                names=visible(group)
            )
        )
    return write_table(
        [
            Column("id", _("id")),
            Column("name", _("name")),
            Column("status", _("state")),
            Column("devices", _("devices"), is_number=True),
            Column("marks", ""),
        ],
        rows,
    )


@click.group("device")
def device() -> None:
    """List the devices that write for you, add one, or end one."""


@device.command("list")
@click.option("--member", metavar="MEMBER", help="Of this member, in place of all.")
@home_option
@form_option()
def list_(member: str | None, home: Home, form: Form) -> None:
    """List the devices of the community."""
    with part_of(Members, home) as me:
        rows = plain_rows(me.devices(member=member))
    if form is Form.JSON:
        return write_json({"devices": rows})
    if form is Form.CSV:
        return write_csv(("device", "member", "member_name", "status", "records", "here"), rows)
    for row in rows:
        row |= {"id": row["device"][:8], "status": _(row["status"] or "")}
        row["mark"] = _("this one") if row["here"] else ""
    return write_table(
        [
            Column("id", _("id")),
            Column("member_name", _("member")),
            Column("status", _("state")),
            Column("records", _("records"), is_number=True),
            Column("mark", ""),
        ],
        rows,
    )


@device.command("add")
@click.option("--member", metavar="MEMBER", help="A device of this member, in place of yours.")
@home_option
@form_option(Form.TEXT, Form.JSON)
def add(member: str | None, home: Home, form: Form) -> None:
    """Show what to type on a new device of yours, so that it writes for you.

    The link holds no invite: the new device is let in by your 24 words. A member with a
    changed key needs a link that was made for them.
    """
    with part_of(Invites, home) as me:
        link = me.device_link(member)
    if form is Form.JSON:
        return write_json({"link": link.link})
    tell_reach(link)
    show_link(link.link)
    say(_("On the new device: `weal restore --words --contact LINK`, with your 24 words."))
    return None


@device.command("revoke")
@click.argument("device")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def revoke(device: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """End the device of yours whose id begins with DEVICE, after its last record held here."""
    with part_of(KeyRecovery, home, passphrase_file) as me:
        revocation = me.revoke_device(device)
    if form is Form.JSON:
        return write_json(plain(revocation))
    ended = _("The device {id} writes nothing more for you.")
    return say(ended.format(id=revocation.device.hex()[:8]))
