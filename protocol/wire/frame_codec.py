"""Frames of the sync protocol: each message as bytes, and back.

A frame is a canonical MessagePack array whose first item is the name of the message. On the
stream its length precedes it (4 bytes, big-endian). Decoding checks shape and limits; whether a
message is true is never checked here. docs/protocol.md lists the messages.
"""

from __future__ import annotations

from typing import Any, assert_never, cast

from commonweal.protocol import codec
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.frontier import (
    BUCKET_DIGEST_BYTES,
    BUCKETS,
    HEAD_BYTES,
    FrontierEntry,
)
from commonweal.protocol.records.record import PERMANENT_BYTES_MAX, RECORD_BYTES_MAX
from commonweal.protocol.seal.field_checks import is_count
from commonweal.protocol.wire import lookup, seals, state_sync
from commonweal.protocol.wire.lookup import GivenRecord, WantRecord
from commonweal.protocol.wire.messages import (
    ADDRESS_BYTES_MAX,
    ADDRESSES_MAX,
    ENTRIES_MAX,
    EVIDENCE_MAX,
    FRAME_BYTES_MAX,
    IDS_MAX,
    PART_BYTES_MAX,
    RANGES_MAX,
    RUNS_MAX,
    TEXT_CHARS_MAX,
    Addresses,
    BodyChunk,
    Branch,
    Buckets,
    Bye,
    Compare,
    Entries,
    Evidence,
    Have,
    Hello,
    Message,
    Ping,
    Pong,
    Range,
    Run,
    Runs,
    Same,
    WantBodies,
    WantBranch,
    WantEvidence,
    WantRecords,
)
from commonweal.protocol.wire.seals import (
    ConsensusMessage,
    HeightStatus,
    Seals,
    WantProposal,
    WantSeal,
    WantSeals,
)
from commonweal.protocol.wire.state_sync import StatePart, WantState

VALUES_MAX = 65_536
"""Values in one frame; the fullest frame of records and bodies has fewer."""


DEPTH_MAX = 6

_RUNS = codec.encode("runs")


def encode(message: Message) -> bytes:
    """Return the frame of `message`."""
    return codec.encode(cast(Value, _to_list(message)), DEPTH_MAX)


def is_runs(frame: bytes) -> bool:
    """Whether a frame begins as `Runs` do; nothing else of it is looked at."""
    return frame[1 : 1 + len(_RUNS)] == _RUNS


def _to_list(message: Message) -> list[Any]:
    match message:
        case Hello(nonce, box):
            return ["hello", nonce, box]
        case Bye(code, text):
            return ["bye", code, text]
        case Ping(number):
            return ["ping", number]
        case Pong(number):
            return ["pong", number]
        case Compare(digest, base):
            return ["compare", digest, base]
        case Same(digest):
            return ["same", digest]
        case Buckets(digests):
            return ["buckets", digests]
        case Entries(buckets, entries, reply):
            return ["entries", buckets, [list(entry) for entry in entries], reply]
        case WantRecords(ranges):
            return ["fetch", [[wanted.author, wanted.start, wanted.stop] for wanted in ranges]]
        case Runs(runs, remaining, asked):
            return ["runs", [_run_list(run) for run in runs], remaining, asked]
        case Have(lengths, took):
            return ["have", [list(pair) for pair in lengths], took]
        case Evidence(proofs):
            return ["evidence", list(proofs)]
        case WantEvidence(authors):
            return ["want-evidence", list(authors)]
        case WantBranch(ids):
            return ["want-branch", list(ids)]
        case Branch(wires):
            return ["branch", list(wires)]
        case WantBodies(hashes):
            return ["want-bodies", list(hashes)]
        case BodyChunk(digest, size, offset, data):
            return ["part", digest, size, offset, data]
        case Addresses(signed):
            return ["addresses", list(signed)]
        case (
            HeightStatus()
            | ConsensusMessage()
            | WantProposal()
            | WantSeal()
            | WantSeals()
            | Seals()
        ):
            return seals.to_list(message)
        case WantState() | StatePart():
            return state_sync.to_list(message)
        case WantRecord() | GivenRecord():
            return lookup.to_list(message)
        case _:
            assert_never(message)


def _run_list(run: Run) -> list[Any]:
    return [run.author, run.start, list(run.wires), [list(pair) for pair in run.bodies]]


def decode(frame: bytes) -> Message:
    """Return the message in `frame`, its shape and limits checked. Raises `Malformed`."""
    if len(frame) > FRAME_BYTES_MAX:
        raise Malformed(f"a frame of {len(frame)} bytes")
    fields = codec.decode(frame, DEPTH_MAX, VALUES_MAX)
    if type(fields) is not list or not fields or type(fields[0]) is not str:
        raise Malformed("not a message")
    message = (
        _session_message(fields)
        or _frontier_message(fields)
        or _content_message(fields)
        or seals.read(fields)
        or state_sync.read(fields)
        or lookup.read(fields)
    )
    if message is None:
        raise Malformed(f"unknown message or wrong shape: {fields[0]:.20}")
    return message


def _session_message(fields: list[Any]) -> Message | None:
    match fields:
        case ["hello", bytes(nonce), bytes(box)] if len(nonce) == 24:
            return Hello(nonce, box)
        case ["bye", str(code), str(text)] if len(code) <= 32 and len(text) <= TEXT_CHARS_MAX:
            return Bye(code, text)
        case ["ping", number] if is_count(number):
            return Ping(number)
        case ["pong", number] if is_count(number):
            return Pong(number)
        case ["addresses", list(signed)]:
            return Addresses(_bins(signed, ADDRESSES_MAX, ADDRESS_BYTES_MAX))
        case _:
            return None


def _frontier_message(fields: list[Any]) -> Message | None:
    match fields:
        case ["compare", bytes(digest), bytes(base)] if len(digest) == 32 and len(base) in (0, 32):
            return Compare(digest, base)
        case ["same", bytes(digest)] if len(digest) == 32:
            return Same(digest)
        case ["buckets", bytes(digests)] if len(digests) == BUCKETS * BUCKET_DIGEST_BYTES:
            return Buckets(digests)
        case ["entries", bytes(buckets), list(entries), bool(reply)]:
            ascending = bytes(sorted(set(buckets))) == buckets
            if ascending and len(entries) <= ENTRIES_MAX:
                return Entries(buckets, tuple(map(_entry, entries)), reply)
        case ["have", list(pairs), took] if len(pairs) <= RUNS_MAX and is_count(took):
            return Have(tuple(map(_length, pairs)), took)
    return None


def _content_message(fields: list[Any]) -> Message | None:
    match fields:
        case ["fetch", list(ranges)] if len(ranges) <= RANGES_MAX:
            return WantRecords(tuple(map(_range, ranges)))
        case ["runs", list(runs), remaining, bool(asked)] if is_count(remaining):
            if len(runs) <= RUNS_MAX:
                return Runs(tuple(map(_run, runs)), remaining, asked)
        case ["evidence", list(proofs)]:
            return Evidence(_bins(proofs, EVIDENCE_MAX, 2 * RECORD_BYTES_MAX + 64))
        case ["want-evidence", list(authors)]:
            return WantEvidence(cast(Any, _bins(authors, IDS_MAX, 32, 32)))
        case ["want-branch", list(ids)]:
            return WantBranch(cast(Any, _bins(ids, IDS_MAX, 32, 32)))
        case ["branch", list(wires)]:
            return Branch(_bins(wires, FRAME_BYTES_MAX, RECORD_BYTES_MAX))
        case ["want-bodies", list(hashes)]:
            return WantBodies(_bins(hashes, IDS_MAX, 32, 32))
        case ["part", bytes(digest), size, offset, bytes(data)]:
            if len(digest) == 32 and len(data) <= PART_BYTES_MAX and _is_part(size, offset, data):
                return BodyChunk(digest, size, offset, data)
    return None


def _is_part(size: object, offset: object, data: bytes) -> bool:
    return (
        type(size) is int is type(offset)
        and 0 <= offset <= offset + len(data) <= size <= PERMANENT_BYTES_MAX
    )


def _bins(items: list[Any], most: int, size_max: int, size_min: int = 1) -> tuple[bytes, ...]:
    if len(items) > most:
        raise Malformed(f"a list of {len(items)} items, at most {most} are allowed")
    if items and set(map(type, items)) != {bytes}:
        raise Malformed("a list holds an item that is not bytes")
    sizes = list(map(len, items))
    if items and not size_min <= min(sizes) <= max(sizes) <= size_max:
        raise Malformed("an item has the wrong size")
    return tuple(items)


def _entry(value: Any) -> FrontierEntry:
    match value:
        case [bytes(author), length, bytes(head), frozen] if (
            len(author) == 32
            and is_count(length)
            and len(head) == (HEAD_BYTES if length else 0)
            and (frozen is None or (is_count(frozen) and frozen >= length))
        ):
            return FrontierEntry(DeviceKey(author), length, head, frozen)
        case _:
            raise Malformed("not an entry of a frontier")


def _length(value: Any) -> tuple[DeviceKey, int]:
    match value:
        case [bytes(author), length] if len(author) == 32 and is_count(length):
            return DeviceKey(author), length
        case _:
            raise Malformed("not a pair of log and length")


def _range(value: Any) -> Range:
    match value:
        case [bytes(author), start, stop] if (
            len(author) == 32 and is_count(start) and is_count(stop) and start < stop
        ):
            return Range(DeviceKey(author), start, stop)
        case _:
            raise Malformed("not a range of records")


def _run(value: Any) -> Run:
    match value:
        case [bytes(author), start, list(wires), list(pairs)] if (
            len(author) == 32 and is_count(start) and len(pairs) <= len(wires)
        ):
            bodies = tuple(_body(pair, len(wires)) for pair in pairs)
            return Run(
                DeviceKey(author), start, _bins(wires, FRAME_BYTES_MAX, RECORD_BYTES_MAX), bodies
            )
        case _:
            raise Malformed("not a run of records")


def _body(value: Any, count: int) -> tuple[int, bytes]:
    match value:
        case [index, bytes(body)] if is_count(index) and index < count:
            return index, body
        case _:
            raise Malformed("not a body of a run")
