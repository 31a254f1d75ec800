"""Changes of a member's keys, and the sponsors who can make one: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.members import is_pairs, is_word, with_seats
from tests.second_reader.names import is_id
from tests.second_reader.records import Inception, Record

NONE = {"named": 0, "sponsors": b"", "words": [], "naming": b"", "change": b"", "clock": 0}


def _rows(c: Context, record: Record) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    member: Any = record.data.get("member", c.member)
    check(is_id(member), "SHAPE")
    check(c.is_active(member), "UNKNOWN_MEMBER")
    return member, c.state.known("MEMBER", member), c.state.row("SUCCESSION", member) or {**NONE}


def name_sponsors(c: Context, record: Record) -> None:
    member, row, known = _rows(c, record)
    text = record.data.get("sponsors")
    document = Inception.read(text)
    is_sound = text == b"" or (document is not None and len(document.keys) <= 7)
    check(is_sound, "SHAPE")
    array = ["commonweal/1/sponsors", c.community, member, known["named"] + 1, text]
    check(is_word(row, record.data.get("signatures"), array), "NOT_SIGNED")
    c.state.put_row(row, "MEMBER", member)
    named = {"named": known["named"] + 1, "sponsors": text, "words": [], "naming": record.id}
    c.state.put_row({**known, **named}, "SUCCESSION", member)


def rekey(c: Context, record: Record) -> None:
    with_seats(c, lambda: _rekey(c, record))


def _rekey(c: Context, record: Record) -> None:
    member, row, known = _rows(c, record)
    data = record.data
    text, devices, pairs = data.get("inception"), data.get("devices"), data.get("signatures")
    document = Inception.read(text)
    if type(devices) is not list or len(devices) > 64 or not all(map(is_id, devices)):
        raise Void("SHAPE")
    if document is None or devices != sorted({*devices}):
        raise Void("SHAPE")
    check(is_pairs(pairs), "NOT_SIGNED")
    assert pairs is not None
    signers = [key for key, _ in pairs]
    array = ["commonweal/1/rekey", c.community, member, row["rekeys"] + 1, text, devices]
    if known["sponsors"] and not {*signers} <= {*row["keys"]}:
        sponsors = Inception.read(known["sponsors"])
        assert sponsors is not None
        check(is_word({"keys": sponsors.keys, "threshold": 1}, pairs, array), "NOT_SIGNED")
        words = dict(map(tuple, known["words"])) | dict.fromkeys(signers, text)
        if [*words.values()].count(text) < sponsors.threshold:
            said = [[*word] for word in sorted(words.items())]
            check(said != known["words"], "NOTHING_NEW")
            c.state.put_row(row, "MEMBER", member)
            c.state.put_row({**known, "words": said}, "SUCCESSION", member)
            return
    else:
        check(is_word(row, pairs, array), "NOT_SIGNED")
    changed = {"keys": document.keys, "threshold": document.threshold}
    c.state.put_row({**row, **changed, "rekeys": row["rekeys"] + 1}, "MEMBER", member)
    for device, _ in c.state.all("DEVICE_OF", member):
        id = device[32:]
        if c.state.known("DEVICE", id)["last"] is None and id not in devices:
            c.state.change("DEVICE", id, last=-1)
    change = {"words": [], "change": record.id, "clock": record.clock}
    c.state.put_row({**known, **change}, "SUCCESSION", member)
