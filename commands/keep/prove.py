"""`weal prove` and `weal check-proof`: that a record is final, in one file, for anybody."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.home.files import place_for, put_bytes
from commonweal.client.keep import proofs
from commonweal.client.keep.proofs import CheckedProof, Proofs
from commonweal.client.language.plain import plain
from commonweal.client.language.times import shown, shown_when
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.protocol.keys import short
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED, read_point_in_time


@click.command("prove")
@click.argument("id")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the proof is written; else proof-ID.weal in this folder.",
)
@click.option("--with-text", is_flag=True, help="Put its text or document in as well.")
@home_option
@form_option(Form.TEXT, Form.JSON)
def prove(id: str, out: Path | None, with_text: bool, home: Home, form: Form) -> None:
    """Write a file that proves to anybody that the record ID is final.

    Whoever has it checks it with `weal check-proof`, without a home and without a network.
    """
    with part_of(Proofs, home) as me:
        proof = me.prove(id, with_text=with_text)
    file = out or Path(f"proof-{proof.id.hex()[:ID_DIGITS]}.weal")
    put_bytes(place_for(file, home, spoken()), proof.data)
    if form is Form.JSON:
        row = {"file": str(file), "bytes": len(proof.data), "id": proof.id.hex()}
        return write_json({**row, "height": proof.height})
    words = _("{path} proves that {id} is final since height {height}; it has {size} bytes.")
    say(
        words.format(
            path=visible(str(file)),
            id=proof.id.hex()[:ID_DIGITS],
            height=proof.height,
            size=f"{len(proof.data):,}",
        )
    )
    return say(
        _("Whoever has it types `weal check-proof {path} --community {community}`.").format(
            path=visible(file.name), community=proof.community.hex()
        )
    )


@click.command("check-proof")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--community", metavar="ID", help="The community that it must be of: 64 digits.")
@form_option(Form.TEXT, Form.JSON)
def check_proof(file: Path, community: str | None, form: Form) -> None:
    """Check a proof that a record is final; nothing but FILE is read.

    Ends with 65 when it proves nothing.
    """
    proof = proofs.check_proof(file, community, spoken())
    if form is Form.JSON:
        return write_json(plain(proof))
    return _show(proof, is_compared=community is not None)


def _show(proof: CheckedProof, *, is_compared: bool) -> None:
    signed = sorted(witness.device for witness in proof.witnesses if witness.signed)
    many = ngettext("{n} witness", "{n} witnesses", len(proof.witnesses))
    pairs = [
        (_("record"), proof.id.hex()),
        (_("what"), proofs.summary(proof, spoken())),
        (_("written by"), _("device {id}").format(id=proof.device.hex())),
        (_("when"), _("{time}, as its author says").format(time=_happened(proof))),
        (_("community"), proof.community.hex()),
        (_("final since"), _("height {height}").format(height=proof.height)),
        (_("sealed"), shown(proof.time_ms)),
        (
            _("signed by"),
            _("{signed} of {all}: {names}").format(
                signed=len(signed),
                all=many.format(n=len(proof.witnesses)),
                names=", ".join(map(short, signed)),
            ),
        ),
    ]
    write_table(
        [Column("what", ""), Column("value", "")],
        [{"what": what, "value": value} for what, value in pairs],
    )
    if proof.text is not None:
        say()
        for line in proof.text.splitlines():
            say(f"  {visible(line)}")
    say()
    say(_("Proved: this record stands unchanged in the ledger of that community, and is final."))
    say(
        _(
            "Not proved: that what it says is so, that it counts under the rules, who holds the "
            "device, and what was written after it."
        )
    )
    if not is_compared:
        say(
            _(
                "Anybody can found a community: compare its id with one that you trust, or name "
                "it by --community."
            )
        )


def _happened(proof: CheckedProof) -> str:
    """Return the date that a record states, else when it was recorded."""
    when = read_point_in_time(proof.data.get(HAPPENED))
    return shown(proof.claimed_at_ms) if when is None else shown_when(when)
