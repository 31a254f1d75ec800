"""`weal prove` and `weal check-proof`: that a record is final, in one file, for anybody.

Making the file reads the home; checking it reads nothing but the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonweal.client.home.files import place_for, put_bytes
from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_action, shown_number, shown_unit
from commonweal.client.language.times import iso, shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.directory import PREFIX_DIGITS_MIN, begins
from commonweal.client.ledger.notes import ID_DIGITS
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.protocol.errors import (
    InvalidProof,
    Malformed,
    NotSealedYet,
    UnknownId,
    UnreadableFile,
)
from commonweal.protocol.keys import short
from commonweal.protocol.ledger.things import quantities
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    from_bytes_unchecked,
    read_erasable_body,
)
from commonweal.storage.home.home import Home, Settings

if TYPE_CHECKING:
    from commonweal.protocol.seal.finality_proof import FinalityProof, ProvenRecord, SealCoverage
    from commonweal.storage.records.log_store import Store
    from commonweal.storage.records.seal_store import KeptSeal, SealStore

COMMUNITY_DIGITS = 64
"""A community is compared in full: whoever makes a false one could choose how its id begins."""


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
    from commonweal.protocol.seal.finality_proof import proof_to_bytes

    with home.store(readonly=True) as store, store.snapshot():
        bundle = bundle_of(store, Settings.read(store).here, id, with_text=with_text)
    data = proof_to_bytes(bundle)
    file = out or Path(f"proof-{bundle.record.id.hex()[:ID_DIGITS]}.weal")
    put_bytes(place_for(file, home), data)
    height = bundle.sealed.seal.height
    if form is Form.JSON:
        row = {"file": str(file), "bytes": len(data), "id": bundle.record.id.hex()}
        return write_json({**row, "height": height})
    words = _("{path} proves that {id} is final since height {height}; it has {size} bytes.")
    say(
        words.format(
            path=visible(str(file)),
            id=bundle.record.id.hex()[:ID_DIGITS],
            height=height,
            size=f"{len(data):,}",
        )
    )
    return say(
        _("Whoever has it types `weal check-proof {path} --community {community}`.").format(
            path=visible(file.name), community=bundle.founding.id.hex()
        )
    )


def bundle_of(store: Store, community: CommunityId, text: str, *, with_text: bool) -> FinalityProof:
    """Return the proof of the record whose id begins with `text`, its parts from `store`.

    Raises UnknownId, AmbiguousId, NotSealedYet, or InvalidProof when it would be too large.
    """
    from commonweal.protocol.seal.finality_proof import FinalityProof, first_covering_seal
    from commonweal.storage.records.seal_store import SealStore

    digits = text.strip().lower()
    if len(digits) < PREFIX_DIGITS_MIN:
        raise UnknownId(visible(text))
    record = store.record(begins(store.ids(digits), digits))
    founding = store.record(RecordId(community))
    assert record is not None, "an id of the store is held"
    if founding is None:
        raise NotSealedYet(_("the founding record is not here yet"))
    coverage = first_covering_seal(
        founding, record.author, record.seq, _heights(SealStore(store, community))
    )
    if coverage is None:
        raise NotSealedYet(visible(str(record)))
    body = record.body and store.body(record.body.hash) if with_text else None
    if with_text and record.body is not None and body is None:
        raise UnknownId(_("its text is not here: erased, or not fetched yet"))
    following = _following(store, record, coverage)
    return FinalityProof(
        founding, record, following, coverage.changes, coverage.sealed, *coverage[3:], body
    )


def _heights(seals: SealStore) -> Iterator[KeptSeal]:
    for height in seals.heights:
        kept = seals.at(height)
        assert kept is not None, "the chain has no gaps"
        yield kept


def _following(store: Store, record: Record, coverage: SealCoverage) -> tuple[bytes, ...]:
    """Return the records from after `record` up to the end of its log in the cut."""
    from commonweal.protocol.seal.finality_proof import PROOF_BYTES_MAX

    start, stop = record.seq + 1, coverage.log.length
    wires = store.wires(record.author, start, stop, PROOF_BYTES_MAX)
    last = from_bytes_unchecked(wires[-1]) if wires else record
    if last.seq + 1 < stop:
        if sum(map(len, wires)) > PROOF_BYTES_MAX // 2:
            raise InvalidProof(_("too many records of its log came with one seal"))
        raise NotSealedYet(_("records of its log that the seal covers are not here yet"))
    if last.id != coverage.log.head:
        raise NotSealedYet(_("its log was forked, and another branch is final"))
    return tuple(wires)


@click.command("check-proof")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--community", metavar="ID", help="The community that it must be of: 64 digits.")
@form_option(Form.TEXT, Form.JSON)
def check_proof(file: Path, community: str | None, form: Form) -> None:
    """Check a proof that a record is final; nothing but FILE is read.

    Ends with 65 when it proves nothing.
    """
    from commonweal.protocol.seal.finality_proof import verify_proof

    wanted = None if community is None else _read_community(community)
    proved = verify_proof(_read(file))
    if wanted is not None and proved.community != wanted:
        raise InvalidProof(_("it is of community {id}").format(id=proved.community.hex()))
    if form is Form.JSON:
        return write_json(as_row(proved))
    return _show(proved, is_compared=wanted is not None)


def as_row(proved: ProvenRecord) -> dict[str, Any]:
    """Return what a proof shows, as json says it."""
    record, seal = proved.record, proved.sealed.seal
    signed = dict(proved.sealed.certificate.signatures)
    return {
        "community": proved.community.hex(),
        "id": record.id.hex(),
        "device": record.author.hex(),
        "seq": record.seq,
        "kind": record.kind,
        "data": plain(record.data),
        "claimed_at": iso(record.claimed_at),
        "text": _text(proved),
        "height": seal.height,
        "time": iso(seal.time_ms),
        "seal": seal.id.hex(),
        "witnesses": [
            {
                "device": witness.device.hex(),
                "member": witness.member.hex(),
                "signed": witness.device in signed,
            }
            for witness in proved.witnesses
        ],
    }


def _read_community(text: str) -> CommunityId:
    digits = "".join(text.split()).lower()
    try:
        if len(digits) == COMMUNITY_DIGITS:
            return CommunityId(bytes.fromhex(digits))
    except ValueError:
        pass
    raise UnknownId(_("{text}: a community's id has 64 hex digits").format(text=visible(text)))


def _read(file: Path) -> bytes:
    from commonweal.protocol.seal.finality_proof import PROOF_BYTES_MAX

    try:
        with file.open("rb") as opened:
            data = opened.read(PROOF_BYTES_MAX + 1)
    except OSError as error:
        raise UnreadableFile(f"{visible(str(file))}: {error.strerror}") from error
    return data


def _text(proved: ProvenRecord) -> str | None:
    """Return the words of the body, when the file holds some."""
    record, body = proved.record, proved.body
    if body is None or record.body is None or record.body.permanent:
        return None
    try:
        media_type, content = read_erasable_body(body)
    except Malformed:
        return None
    return content.decode("utf-8", "replace") if media_type.startswith("text/") else None


def _show(proved: ProvenRecord, *, is_compared: bool) -> None:
    record, sealed = proved.record, proved.sealed
    signed = [device for device, _signature in sealed.certificate.signatures]
    many = ngettext("{n} witness", "{n} witnesses", len(proved.witnesses))
    pairs = [
        (_("record"), record.id.hex()),
        (_("what"), " ".join(_words(record))),
        (_("written by"), _("device {id}").format(id=record.author.hex())),
        (_("when"), _("{time}, as its author says").format(time=shown(record.claimed_at))),
        (_("community"), proved.community.hex()),
        (_("final since"), _("height {height}").format(height=sealed.seal.height)),
        (_("sealed"), shown(sealed.seal.time_ms)),
        (
            _("signed by"),
            _("{signed} of {all}: {names}").format(
                signed=len(signed),
                all=many.format(n=len(proved.witnesses)),
                names=", ".join(map(short, signed)),
            ),
        ),
    ]
    write_table(
        [Column("what", ""), Column("value", "")],
        [{"what": what, "value": value} for what, value in pairs],
    )
    text = _text(proved)
    if text is not None:
        say()
        for line in text.splitlines():
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


def _words(record: Record) -> list[str]:
    """Return what a record says, as a few words: the action and quantity, else its kind."""
    words = [visible(record.kind)]
    action = record.data.get("action")
    if isinstance(action, str):
        words = [visible(shown_action(action, spoken()))]
    for value in record.data.values():
        quantity = quantities.read(value)
        if quantity is not None:
            unit = visible(shown_unit(quantity.unit, spoken()))
            words.append(f"{shown_number(quantity.n, quantity.scale)} {unit}")
    scope = record.data.get("inScopeOf")
    if isinstance(scope, str):
        words.append(_("for {scope}").format(scope=visible(scope)))
    return words
