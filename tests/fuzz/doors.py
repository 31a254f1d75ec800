"""Every place where bytes from outside become values, with some good bytes for each.

A door is a function of bytes. Whatever comes in, it returns or raises a CommonwealError. What
once broke a door lies in corpus/ under its name, and is tried for ever.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path

from commonweal.client.keep import archive
from commonweal.client.language import quantity, times
from commonweal.client.sheets.sheet import Sheet
from commonweal.client.sheets.sheet_form import FormChoice, form_of
from commonweal.node.control.message_codec import (
    LENGTH_BYTES,
    answer_from_bytes,
    answer_to_bytes,
    error_to_bytes,
    question_from_bytes,
    question_to_bytes,
)
from commonweal.node.control.messages.held_records import HeldBy, Wait
from commonweal.node.control.messages.submission import Submit
from commonweal.node.control.server import event_of
from commonweal.node.runtime import config
from commonweal.node.service.events import Ticket, Wish
from commonweal.node.service.sync import announce
from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError, Malformed, NotAdmittedYet
from commonweal.protocol.identity import (
    founding,
    invite,
    key_rotation,
    membership_proof,
    signed_address,
)
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.invite import CommunityLink, Contact, Invite, RekeyedMember
from commonweal.protocol.identity.phrase import entropy_from_phrase
from commonweal.protocol.ledger.exchange.reviews.review_secret import (
    Judgement,
    ReviewSecret,
    read_secret,
)
from commonweal.protocol.records import batch_decode, fork_proof, log, record, sealed_body
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.rules import document, expression
from commonweal.protocol.wire import frame_codec, hello, messages
from commonweal.storage.home import contents, keystore
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions import points_in_time
from tests.fuzz.gateway_doors import GATEWAY_DOORS
from tests.fuzz.seal_doors import SEAL_DOORS
from tests.fuzz.stream_doors import STREAM_DOORS
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    MEI,
    NOW_MS,
    chain,
    seed,
    wires,
    write,
)
from tests.protocol.identity.credentials import ENROLMENT, NEW_ENROLMENT, REKEY, VOUCH
from tests.protocol.wire.test_hello import GREETING, NONCE
from tests.protocol.wire.test_messages import MESSAGES

CORPUS = Path(__file__).parent / "corpus"
RUN = chain(EVE, 4)
_SECRETS = keystore.Secrets(bytes(32), bytes(32))
_COLUMNS = "action=action,quantity=number,unit=unit,date=date,note=note"


@dataclass(frozen=True, slots=True)
class Door:
    """What takes bytes, and bytes that it takes."""

    enter: Callable[[bytes], object]
    good: tuple[bytes, ...]


def kept(name: str) -> list[bytes]:
    """What once broke a door."""
    folder = CORPUS / name.replace(" ", "-")
    return [file.read_bytes() for file in sorted(folder.glob("*"))] if folder.is_dir() else []


def _text(enter: Callable[[str], object]) -> Callable[[bytes], object]:
    """A door for text: what is not UTF-8 comes as it would from a command line."""
    return lambda data: enter(data.decode(errors="surrogateescape"))


def _run(data: bytes) -> object:
    """A run of records, each behind its length in two bytes."""
    parts: list[bytes] = []
    while len(data) > 2 and len(parts) < 64:
        size = int.from_bytes(data[:2], "big")
        parts.append(data[2 : 2 + size])
        data = data[2 + size :]
    try:
        by_columns: list[record.Record] | None = batch_decode.read(parts)
    except CommonwealError:
        by_columns = None
    try:
        one_by_one: list[record.Record] | None = list(map(record.from_bytes_unchecked, parts))
    except CommonwealError:
        one_by_one = None
    assert by_columns == one_by_one
    return log.read_run(COMMUNITY, EVE.device, log.Tip(), parts, {FIRST.id: 1}.get)


def _opened(data: bytes) -> object:
    return sealed_body.opened(sealed_body.from_bytes(data), BO.signer)


def _content(data: bytes) -> object:
    """Read what is kept under the hash of a content."""
    with tempfile.TemporaryDirectory() as folder:
        kept_here = contents.Contents(Home(folder))
        kept_here.folder.mkdir()
        kept_here.path(_CONTENT.hash).write_bytes(data)
        return kept_here.get(_CONTENT.hash)


def _joined(parts: list[bytes]) -> bytes:
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def _read_sheet(path: Path) -> None:
    """Read a sheet as a preview does, but for the ledger."""
    with Sheet(path, path.parent) as sheet:
        for _row in sheet.rows(form_of(sheet, FormChoice(_COLUMNS))):
            pass


def _file(enter: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    """A door for files."""

    def opened(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.touch(0o600)
            path.write_bytes(data)
            return enter(path)

    return opened


def _unpack(path: Path) -> None:
    try:
        archive.unpack(path, path.parent)
    finally:
        names = {one.name for one in path.parent.iterdir()}
        ours = {path.name, *archive.NAMES, contents.FOLDER}
        assert names <= ours, "only names of ours are written"


def _hello(data: bytes) -> object:
    from nacl.secret import SecretBox

    from commonweal.protocol import keys

    box = SecretBox(keys.hash32(keys.HELLO, COMMUNITY, BO.peer, MEI.peer))
    boxed = messages.Hello(NONCE, box.encrypt(data, NONCE).ciphertext)
    return hello.decrypt(boxed, COMMUNITY, BO.peer, MEI.peer)


def _credentials(data: bytes) -> object:
    found = codec.decode(data)
    if not isinstance(found, list) or not all(isinstance(one, bytes) for one in found):
        raise Malformed("not a list of records")
    wires = [one for one in found if isinstance(one, bytes)]
    return membership_proof.check(wires, COMMUNITY, MEI.device, MEI.peer)


def _greeting() -> bytes:
    from nacl.secret import SecretBox

    from commonweal.protocol import keys

    box = SecretBox(keys.hash32(keys.HELLO, COMMUNITY, BO.peer, MEI.peer))
    closed = hello.encrypt(GREETING, COMMUNITY, BO.peer, MEI.peer, NONCE)
    return box.decrypt(closed.box, NONCE)


def _keystore() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keystore"
        keystore.create(
            path, keystore.Secrets(bytes(32), bytes(32)), "pass", cost=keystore.COST_MIN
        )
        return path.read_bytes()


def _backup() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in archive.NAMES}
        for name, path in files.items():
            path.write_bytes(name.encode())
        archive.pack(files, Path(folder) / "backup")
        return (Path(folder) / "backup").read_bytes()


def _tar_of(name: str) -> bytes:
    made, content = io.BytesIO(), b"not a backup"
    with tarfile.open(fileobj=made, mode="w") as out:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        out.addfile(member, io.BytesIO(content))
    return made.getvalue()


def _api(data: bytes) -> object:
    return event_of(Ticket(1), question_from_bytes(data))


def _read_time(text: str) -> object:
    when, bound = times.read_when(text, NOW_MS), times.read_bound(text, NOW_MS)
    assert points_in_time.read_point_in_time(times.stated(when)) == when
    return times.shown_when(when), bound.is_after(when)


def _expression(text: str) -> object:
    names = dict.fromkeys(("a", "b", "c"), expression.INT)
    checked = expression.check(text, names, expression.INT)
    return expression.evaluate(checked, {"a": 7, "b": 3, "c": 2})


_SEALED = sealed_body.seal(b"kg", [MEI.device, BO.device], lambda size: seed("sealed")[:size])[0]
_PROOF = fork_proof.check(write(EVE, RUN[0], data={"a": 1}), RUN[1], COMMUNITY)
_CONTENT = contents.KeptContent(seed("content key"), "yields.csv", b"plot,kg")
_REVIEW = ReviewSecret(Judgement(5, on_time=True, as_agreed=False), "kind", bytes(32), bytes(16))
_LINK = CommunityLink(
    COMMUNITY,
    (Contact(MEI.peer, ("/ip4/192.0.2.7/tcp/4001",)),),
    Invite(RecordId(seed("invite")), 7, seed("invite key")),
)
_FOR_BO = replace(_LINK, invite=None, rekeyed=RekeyedMember(BO.id, RecordId(seed("rekey")), 9))
_TEMPLATES = resources.files("commonweal.protocol.rules") / "templates"
_RULES = (_TEMPLATES / "cooperative.toml").read_text("utf-8")
_WISH = Wish("event", {"action": "work"}, (RecordId(seed("d")),))
_ENROL = founding.enrol(BO.member_signer, BO.inception, BO.signer, BO.host, COMMUNITY, NOW_MS)

DOORS: dict[str, Door] = {
    "codec": Door(codec.decode, (FIRST.header, codec.encode([{"a": [1, -1, "é", b"x", None]}]))),
    "record": Door(record.from_bytes, (FIRST.wire, RUN[1].wire, _ENROL.wire)),
    "sealed body": Door(_opened, (_SEALED,)),
    "review secret": Door(read_secret, (_REVIEW.to_bytes(),)),
    "content of data": Door(
        _content, (codec.encode([1, _CONTENT.key, _CONTENT.name, _CONTENT.content]),)
    ),
    "run": Door(_run, (_joined(wires(RUN)), _joined([_ENROL.wire]))),
    "wire": Door(frame_codec.decode, tuple(map(frame_codec.encode, MESSAGES.values()))),
    "evidence": Door(
        lambda data: fork_proof.from_bytes_checked(data, COMMUNITY), (fork_proof.to_bytes(_PROOF),)
    ),
    "hello": Door(_hello, (_greeting(),)),
    "credentials": Door(
        _credentials,
        (
            codec.encode([FIRST.wire]),
            codec.encode(
                [one.wire for one in (FIRST, ENROLMENT, REKEY, NEW_ENROLMENT, VOUCH)],
            ),
        ),
    ),
    "code of a key": Door(
        _text(key_rotation.key_from_text), (key_rotation.key_to_text(MEI.inception).encode(),)
    ),
    "inception": Door(Inception.from_bytes, (MEI.inception.to_bytes(),)),
    "heads": Door(announce.read, (codec.encode(["heads", [[MEI.device, 5]]]),)),
    "rule": Door(announce.read_rule, (codec.encode(["rule", RUN[1].wire]),)),
    "address": Door(
        lambda data: signed_address.from_bytes(data, COMMUNITY),
        (signed_address.sign(MEI.host, COMMUNITY, 1, ("/ip4/10.0.0.1/tcp/1",)).to_bytes(),),
    ),
    **{name: Door(*parts) for name, parts in SEAL_DOORS.items()},
    **{name: Door(*parts) for name, parts in GATEWAY_DOORS.items()},
    **{name: Door(*parts) for name, parts in STREAM_DOORS.items()},
    "ruleset": Door(document.from_bytes, (codec.encode({"name": "x"}),)),
    "ruleset in TOML": Door(_text(document.read_toml), (_RULES.encode(),)),
    "expression": Door(
        _text(_expression), (b"muldiv(a, b, c) + sum([a, 2].map(x, x * 2))", b"a > b ? b : c")
    ),
    "link": Door(
        _text(invite.from_text), tuple(invite.to_text(one).encode() for one in (_LINK, _FOR_BO))
    ),
    "words": Door(_text(entropy_from_phrase), (b"abandon " * 23 + b"art",)),
    "question": Door(
        _api,
        (
            question_to_bytes(Submit((_WISH,)))[LENGTH_BYTES:],
            question_to_bytes(Wait((bytes(32),), 2))[LENGTH_BYTES:],
        ),
    ),
    "answer": Door(
        partial(answer_from_bytes, Wait((bytes(32),), 2)),
        (
            answer_to_bytes(HeldBy(1, 2), is_last=False)[LENGTH_BYTES:],
            error_to_bytes(NotAdmittedYet("wait"))[LENGTH_BYTES:],
        ),
    ),
    "keystore": Door(_file(keystore.needs_passphrase, "keystore"), (_keystore(),)),
    "config": Door(
        _file(lambda path: config.read(path, environment={}), "config.toml"),
        (b'listen = ["/ip4/0.0.0.0/tcp/1"]\nmdns = true\nlog_level = "info"\n',),
    ),
    "backup": Door(_file(_unpack, "a.backup"), (_backup(), _tar_of("authorized_keys"))),
    "sheet": Door(
        _file(_read_sheet, "sheet.csv"),
        (b"date,action,number,unit,note\n2026-01-01,work,2,hour,x\n",),
    ),
    "quantity": Door(
        _text(lambda text: quantity.read_quantity(*text.partition(" ")[::2])), (b"2.50 hour",)
    ),
    "duration": Door(_text(times.read_duration_ms), (b"3d", b"2h")),
    "time": Door(_text(_read_time), (b"2026-01-01 10:00+0100", b"3d")),
}
