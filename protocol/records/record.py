"""Records: what a device signs, one after another, each naming the one before.

A record's bytes are its header, a canonical MessagePack array, followed by the 64 bytes
of its signature; its id is their hash, so that every link commits to every earlier
signature too. The body (free text, evidence, a document) is detached: the header names
its hash, size and class, and a chain verifies without it. See docs/protocol.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, NewType, cast

from commonweal.protocol import codec, keys
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import InvalidRecord, Malformed, WrongCommunity
from commonweal.protocol.keys import SIGNATURE_BYTES, DeviceKey, Signer, short

RecordId = NewType("RecordId", bytes)
CommunityId = NewType("CommunityId", bytes)

CONTEXT = keys.RECORD_CONTEXT
FOUND = "community.found"
PERMANENT_BODY_KINDS = frozenset({FOUND, "community.inherit", "rules.propose"})
"""Kinds of records that may have a permanent body: what it says is judged, or ruled by.

Nobody can ever delete one, so no other kind has any business with it, a kind that is not
known here least of all.
"""

NO_ID = RecordId(b"")

UNREAD: dict[str, Any] = {}
"""Stands for what a record says where only its bytes are kept."""

_COMMUNITY_AT = 2 + len(CONTEXT)
"""Where the second field of a header begins: behind the array's and the context's first byte."""
_INT_BYTES = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
"""The size of an encoded integer >= 0 by its first byte; 1 where that is the integer."""

HEADER_BYTES_MAX = 16 * 1024
RECORD_BYTES_MAX = HEADER_BYTES_MAX + SIGNATURE_BYTES
HEADER_VALUES_MAX = 512
"""Values in one header, itself and map keys among them; no kind needs half of them."""
DEPS_MAX = 16
KIND_CHARS_MAX = 32
ERASABLE_BYTES_MAX = 64 * 1024
PERMANENT_BYTES_MAX = 1024 * 1024
MEDIA_TYPE_CHARS_MAX = 100
SALT_BYTES = 16


class BodyRef(NamedTuple):
    """What a header says of its body: BLAKE2b-256 of its bytes, their number, whether it stays."""

    hash: bytes
    size: int
    permanent: bool


class Record(NamedTuple):
    """One signed entry of a log. A tuple, since a node reads a hundred thousand a second.

    `data` must not be changed; it is `UNREAD` in a `without_data` record. `wire` is header and
    signature, as stored and sent.
    """

    id: RecordId
    community: CommunityId
    author: DeviceKey
    seq: int
    prev: RecordId
    clock: int
    basis: RecordId
    deps: tuple[RecordId, ...]
    claimed_at: int
    kind: str
    data: dict[str, Any]
    body: BodyRef | None
    wire: bytes

    def __str__(self) -> str:
        return f"{short(self.author)}#{self.seq} {self.kind}"

    @property
    def header(self) -> bytes:
        """The signed bytes."""
        return self.wire[:-SIGNATURE_BYTES]

    @property
    def signature(self) -> bytes:
        """The author's Ed25519 signature of the header."""
        return self.wire[-SIGNATURE_BYTES:]


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """What an author says; `sign` adds where in the log it stands."""

    kind: str
    data: dict[str, Value]
    claimed_at: int
    deps: tuple[RecordId, ...] = ()
    body: BodyRef | None = None


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Where the next record of a log stands. All empty and 0 before a founding record."""

    community: CommunityId
    seq: int
    prev: RecordId
    clock: int
    basis: RecordId


def sign(signer: Signer, place: LogPosition, draft: RecordDraft) -> Record:
    """Return the record that puts `draft` at `place` in the signer's log.

    Raises `InvalidRecord` when it would not be accepted by others.
    """
    body = list(draft.body) if draft.body else None
    if draft.body:
        body = [draft.body.hash, draft.body.size, int(draft.body.permanent)]
    header = codec.encode(
        [
            CONTEXT,
            place.community,
            signer.key,
            place.seq,
            place.prev,
            place.clock,
            place.basis,
            cast("list[Value]", list(draft.deps)),
            draft.claimed_at,
            draft.kind,
            draft.data,
            cast("list[Value] | None", body),
        ]
    )
    return from_bytes_unchecked(header + signer.sign(header))


def header_prefix(community: CommunityId, author: DeviceKey, seq: int, prev: RecordId) -> bytes:
    """Return the bytes that a record at this place of a log begins with, founding ones apart."""
    fields = codec.encode([CONTEXT, community, author, seq, prev])
    return b"\x9c" + fields[1:]  # a list of twelve, not of five


def from_bytes(wire: bytes) -> Record:
    """Return the record in `wire`, its own signature checked.

    Raises `Malformed`, `InvalidRecord` or `BadSignature`.
    """
    record = from_bytes_unchecked(wire)
    keys.verify(record.author, record.header, record.signature)
    return record


def from_bytes_unchecked(wire: bytes) -> Record:
    """Return the record in `wire` without checking its signature.

    For records whose authenticity follows from a later one (see `log`) or was checked
    before they were stored. Raises `Malformed` or `InvalidRecord`.
    """
    if not SIGNATURE_BYTES < len(wire) <= RECORD_BYTES_MAX:
        raise InvalidRecord(f"a record of {len(wire)} bytes; 65 to {RECORD_BYTES_MAX} are allowed")
    fields = codec.decode(wire[:-SIGNATURE_BYTES], values_max=HEADER_VALUES_MAX)
    if type(fields) is not list or len(fields) != 12:
        raise Malformed("a header has 12 fields")
    context, community, author, seq, prev, clock, basis, deps, claimed_at, kind, data, body = fields
    if context != CONTEXT:
        raise InvalidRecord(f"the header starts with {context!r:.40}, not {CONTEXT!r}")
    founding = kind == FOUND
    if not (
        type(author) is bytes is type(community) is type(prev) is type(basis)
        and len(author) == 32
        and type(seq) is int is type(clock) is type(claimed_at)
        and seq >= 0
        and clock >= 1
        and claimed_at >= 0
        and len(prev) == (32 if seq else 0)
        and len(community) == len(basis) == (0 if founding else 32)
        and type(kind) is str
        and 0 < len(kind) <= KIND_CHARS_MAX
        and type(data) is dict
        and type(deps) is list
    ):
        raise InvalidRecord("a field of the header has the wrong type or size")
    if founding and (seq or deps):
        raise InvalidRecord("a founding record is the first of its log and cites nothing")
    # As `Record(...)` makes it, in a third of the time: this is the hottest line there is.
    return tuple.__new__(
        Record,
        (
            blake2b(wire, digest_size=32, person=keys.RECORD).digest(),
            community,
            author,
            seq,
            prev,
            clock,
            basis,
            read_deps(deps, prev) if deps else (),
            claimed_at,
            kind,
            data,
            None if body is None else read_body_ref(body, kind),
            wire,
        ),
    )


def without_data(record: Record) -> Record:
    """Return a record without what it says, which may take seventy times its bytes in memory."""
    return record._replace(data=UNREAD)


def with_data(record: Record) -> Record:
    """Return a record with what it says, read again from its bytes if need be."""
    return from_bytes_unchecked(record.wire) if record.data is UNREAD else record


def clock_from_bytes(wire: bytes) -> int:
    """Return the clock of a well-formed record without decoding the rest of it.

    Of other bytes it returns any number or raises `Malformed`.
    """
    try:
        at = _COMMUNITY_AT + 2 + wire[_COMMUNITY_AT + 1]
        at = _after_int(wire, at + 2 + keys.KEY_BYTES)
        at += 2 + wire[at + 1]
        end = _after_int(wire, at)
        return wire[at] if end == at + 1 else int.from_bytes(wire[at + 1 : end], "big")
    except IndexError as error:
        raise Malformed("a header that ends before its clock") from error


def _after_int(wire: bytes, at: int) -> int:
    return at + _INT_BYTES.get(wire[at], 1)


def community_of(record: Record) -> CommunityId:
    """Return the id of the community that `record` belongs to; a founding record is its own."""
    return CommunityId(record.id) if record.kind == FOUND else record.community


def check_community(record: Record, community: CommunityId) -> None:
    """Raise `WrongCommunity` unless `record` belongs to `community`."""
    if community_of(record) != community:
        raise WrongCommunity(str(record))


def erasable_body(salt: bytes, media_type: str, content: bytes) -> tuple[bytes, BodyRef]:
    """Return the bytes of an erasable body and its reference.

    salt: 16 random bytes, which keep an erased hash from being guessed. Raises
    `InvalidRecord` when the body exceeds 64 KiB.
    """
    assert len(salt) == SALT_BYTES
    if len(media_type) > MEDIA_TYPE_CHARS_MAX:
        raise InvalidRecord(f"a media type of {len(media_type)} characters")
    data = codec.encode([salt, media_type, content])
    if len(data) > ERASABLE_BYTES_MAX:
        raise InvalidRecord(f"a text of {len(data)} bytes; at most {ERASABLE_BYTES_MAX} fit")
    return data, BodyRef(keys.hash32(keys.BODY, data), len(data), permanent=False)


def read_erasable_body(data: bytes) -> tuple[str, bytes]:
    """Return media type and content of an erasable body, or raise `Malformed`."""
    match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
        case [bytes(salt), str(media_type), bytes(content)] if len(salt) == SALT_BYTES:
            return media_type, content
        case _:
            raise Malformed("not an erasable body")


def permanent_body(data: bytes) -> BodyRef:
    """Return the reference of a permanent body; raise `InvalidRecord` above 1 MiB."""
    if len(data) > PERMANENT_BYTES_MAX:
        raise InvalidRecord(f"a document of {len(data)} bytes; at most {PERMANENT_BYTES_MAX} fit")
    return BodyRef(keys.hash32(keys.BODY, data), len(data), permanent=True)


def is_body(ref: BodyRef, data: bytes) -> bool:
    """Say whether `data` is the body that `ref` names."""
    return len(data) == ref.size and keys.hash32(keys.BODY, data) == ref.hash


def read_deps(values: list[Value], prev: bytes) -> tuple[RecordId, ...]:
    """Return the cited ids of a header, or raise `InvalidRecord`. prev: the id before it."""
    if len(values) > DEPS_MAX:
        raise InvalidRecord(f"cites {len(values)} records, more than {DEPS_MAX}")
    last = b""
    for value in values:
        if type(value) is not bytes or len(value) != 32 or value <= last or value == prev:
            raise InvalidRecord("cited ids are sorted, unique, and not the previous record")
        last = value
    return tuple(cast("list[RecordId]", values))


def read_body_ref(value: Value, kind: str) -> BodyRef:
    """Return the body reference of a record of that kind, or raise `InvalidRecord`."""
    match value:
        case [bytes(digest), int(size), 0 | 1 as cls] if len(digest) == 32 and type(cls) is int:
            limit = PERMANENT_BYTES_MAX if cls else ERASABLE_BYTES_MAX
            if cls and kind not in PERMANENT_BODY_KINDS:
                raise InvalidRecord(f"a record of kind {kind!r:.40} has no permanent body")
            if type(size) is int and 0 < size <= limit:
                return BodyRef(digest, size, bool(cls))
    raise InvalidRecord("the reference to the body is not [hash, size, class] within limits")
