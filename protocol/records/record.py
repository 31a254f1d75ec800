"""Records: the signed entries of a device's log, each naming its predecessor.

A record's bytes are its header, a canonical MessagePack array of twelve fields, followed by the
64-byte signature; its id is their hash, so each link commits to all earlier signatures too. The
body (free text, evidence, a document) is separate: the header names its hash, size and class, and
a chain verifies without it. (docs/protocol.md, "The record".) What a record means is the ledger's.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NewType, cast

from commonweal.protocol import codec, keys
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import InvalidRecord, Malformed, WrongCommunity
from commonweal.protocol.keys import SIGNATURE_BYTES, DeviceKey, Signer, short

RecordId = NewType("RecordId", bytes)
CommunityId = NewType("CommunityId", bytes)

CONTEXT = keys.RECORD_CONTEXT
FOUND = "community.found"
PERMANENT_BODY_KINDS = frozenset(
    {FOUND, "community.inherit", "rules.propose", "consent.ask", "consent.grant"}
)
"""Kinds of records that may have a permanent body, which the fold or a receipt reads.

A permanent body can never be deleted, so all other kinds, also unknown ones, may not have one.
"""

NO_ID = RecordId(b"")

UNREAD: dict[str, Any] = {}
"""The `data` of a record of which only the bytes are kept in memory."""

_COMMUNITY_AT = 2 + len(CONTEXT)
"""Offset of the second field of a header: after array byte, string byte and context."""
_INT_BYTES = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
"""Size of an encoded integer >= 0 by its first byte; for other first bytes it is 1."""

HEADER_BYTES_MAX = 16 * 1024
RECORD_BYTES_MAX = HEADER_BYTES_MAX + SIGNATURE_BYTES
HEADER_VALUES_MAX = 512
"""Values in one header, counting itself and map keys; every kind needs less than half."""
DEPS_MAX = 16
KIND_CHARS_MAX = 32
ERASABLE_BYTES_MAX = 64 * 1024
"""Largest erasable body, and largest sealed one."""
PERMANENT_BYTES_MAX = 1024 * 1024
MEDIA_TYPE_CHARS_MAX = 100
SALT_BYTES = 16


ERASABLE, PERMANENT, SEALED = 0, 1, 2
"""The classes of bodies, as a header names them; `SEALED` is for `sealed_body`."""


class BodyRef(NamedTuple):
    """The reference to a body: BLAKE2b-256 hash, size in bytes, and its class.

    permanent: it can never be deleted. sealed: only the devices that it names can read it; it can
    be erased as a text can. At most one of the two holds.
    """

    hash: bytes
    size: int
    permanent: bool
    sealed: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is an erasable text or file that everybody can read."""
        return not (self.permanent or self.sealed)


class Record(NamedTuple):
    """One signed entry of a log. A tuple, since a node decodes 100,000 of them per second.

    data: not to be changed; `UNREAD` after `without_data`. claimed_at: ms since 1970, claimed by
    the author. wire: header and signature, as stored and sent.
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


_DATA_AT = Record._fields.index("data")
_CLASS_AT, _NIL = -SIGNATURE_BYTES - 1, 0xC0
"""A header that ends in the byte of nil has no body."""
_BODY_HEAD = b"\x93\xc4\x20"
_BODY_STARTS = [(length, _CLASS_AT - length - 35) for length in (1, *_INT_BYTES.values())]
"""Where a reference to a body begins, by the bytes of its size."""
"""Place of the data in a record, and in its header."""


class RecordDraft(NamedTuple):
    """The content of a record before it has a position in a log."""

    kind: str
    data: dict[str, Value]
    claimed_at: int
    deps: tuple[RecordId, ...] = ()
    body: BodyRef | None = None


class LogPosition(NamedTuple):
    """The position of a new record in its log. For a founding record all is empty or 0."""

    community: CommunityId
    seq: int
    prev: RecordId
    clock: int
    basis: RecordId


def sign(signer: Signer, place: LogPosition, draft: RecordDraft) -> Record:
    """Return the record with the content `draft` at `place` in the signer's log.

    Raises `InvalidRecord` when other nodes would refuse it.
    """
    body: list[Value] | None = None
    if draft.body:
        ref = draft.body
        body = [ref.hash, ref.size, SEALED if ref.sealed else int(ref.permanent)]
    fields = codec.ordered(
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
            body,
        ]
    )
    header = codec.encode_ordered(fields)
    wire = header + signer.sign(header)
    if len(header) > HEADER_VALUES_MAX:  # it might hold too many values
        return from_bytes_unchecked(wire)
    return _from_fields(fields, wire)


def header_prefix(community: CommunityId, author: DeviceKey, seq: int, prev: RecordId) -> bytes:
    """Return the first bytes of a record at this place of a log, which is not a founding one."""
    fields = codec.encode([CONTEXT, community, author, seq, prev])
    return b"\x9c" + fields[1:]  # a list of twelve, not of five


def from_bytes(wire: bytes) -> Record:
    """Return the record in `wire`, with a valid signature of its own.

    Raises `Malformed`, `InvalidRecord` or `BadSignature`.
    """
    record = from_bytes_unchecked(wire)
    keys.verify(record.author, record.header, record.signature)
    return record


def from_bytes_unchecked(wire: bytes) -> Record:
    """Return the record in `wire`; its signature is not checked.

    For records that are authentic by a later one (see `log`), or that were checked before they
    were stored. Raises `Malformed` or `InvalidRecord`.
    """
    if not SIGNATURE_BYTES < len(wire) <= RECORD_BYTES_MAX:
        raise InvalidRecord(f"a record of {len(wire)} bytes; 65 to {RECORD_BYTES_MAX} are allowed")
    return _from_fields(codec.decode(wire[:-SIGNATURE_BYTES], values_max=HEADER_VALUES_MAX), wire)


def _from_fields(fields: Value, wire: bytes) -> Record:
    """Return the record with these decoded fields. Raises `Malformed` or `InvalidRecord`."""
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
    # The same as `Record(...)` in a third of the time: this statement runs most often of all.
    return tuple.__new__(
        Record,
        (
            keys.hash32(keys.RECORD, wire),
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
    """Return the record without `data`, which may take seventy times its bytes in memory."""
    if record.data is UNREAD:
        return record
    return tuple.__new__(Record, (*record[:_DATA_AT], UNREAD, *record[_DATA_AT + 1 :]))


def with_data(record: Record) -> Record:
    """Return the record with `data`, read again from its bytes where it was removed.

    It was decoded before, so its bytes are not checked again.
    """
    if record.data is not UNREAD:
        return record
    data = codec.decode_again(record.wire[:-SIGNATURE_BYTES])[_DATA_AT]
    return tuple.__new__(Record, (*record[:_DATA_AT], data, *record[_DATA_AT + 1 :]))


def clock_from_bytes(wire: bytes) -> int:
    """Return the clock of a well-formed record, decoding nothing else.

    For other bytes the result is arbitrary, or `Malformed` is raised.
    """
    try:
        at = _prev_at(wire)
        return int_from_bytes(wire, at + 2 + wire[at + 1])[0]
    except IndexError as error:
        raise Malformed("a header that ends before its clock") from error


def prev_from_bytes(wire: bytes) -> RecordId:
    """Return the id of the record before a well-formed one, decoding nothing else."""
    at = _prev_at(wire)
    return RecordId(wire[at + 2 : at + 2 + wire[at + 1]])


def _prev_at(wire: bytes) -> int:
    at = _COMMUNITY_AT + 2 + wire[_COMMUNITY_AT + 1]
    at += 2 + keys.KEY_BYTES
    return at + _INT_BYTES.get(wire[at], 1)


def body_from_bytes(wire: bytes) -> BodyRef | None:
    """Return the reference to the body of a well-formed record, decoding little else.

    It is the last field of the header: [hash, size, class]. For other bytes the result is
    arbitrary, or `Malformed` or `InvalidRecord` is raised.
    """
    if wire[_CLASS_AT] == _NIL:
        return None
    starts = [
        at
        for length, at in _BODY_STARTS
        if wire[at : at + 3] == _BODY_HEAD and _INT_BYTES.get(wire[at + 35], 1) == length
    ]
    if len(starts) != 1:  # other bytes look like a reference too: only all of it tells
        return from_bytes_unchecked(wire).body
    at, cls = starts[0], wire[_CLASS_AT]
    size, _ = int_from_bytes(wire, at + 35)
    return BodyRef(wire[at + 3 : at + 35], size, cls == PERMANENT, cls == SEALED)


def int_from_bytes(data: bytes, at: int) -> tuple[int, int]:
    """Return the integer >= 0 that is encoded at an offset, and the offset of what follows it.

    For other bytes the result is arbitrary, or `Malformed` is raised.
    """
    try:
        end = at + _INT_BYTES.get(data[at], 1)
        return data[at] if end == at + 1 else int.from_bytes(data[at + 1 : end], "big"), end
    except IndexError as error:
        raise Malformed("a header that ends before its clock") from error


def int_bytes(number: int) -> int:
    """Return the size in bytes of the encoding of an integer >= 0."""
    if number < 0x100:
        return 1 if number < 0x80 else 2
    return 3 if number < 0x1_0000 else 5 if number < 0x1_0000_0000 else 9


def community_of(record: Record) -> CommunityId:
    """Return the id of the record's community; a founding record's own id is that."""
    return CommunityId(record.id) if record.kind == FOUND else record.community


def check_community(record: Record, community: CommunityId) -> None:
    """Raise `WrongCommunity` unless `record` belongs to `community`."""
    if community_of(record) != community:
        raise WrongCommunity(str(record))


def erasable_body(salt: bytes, media_type: str, content: bytes) -> tuple[bytes, BodyRef]:
    """Return the bytes of an erasable body, and the reference to it.

    salt: 16 random bytes; without them, a text that was erased could be guessed from its hash.
    Raises `InvalidRecord` when the body exceeds 64 KiB or the media type 100 characters.
    """
    assert len(salt) == SALT_BYTES
    if len(media_type) > MEDIA_TYPE_CHARS_MAX:
        raise InvalidRecord(f"a media type of {len(media_type)} characters")
    data = codec.encode([salt, media_type, content])
    if len(data) > ERASABLE_BYTES_MAX:
        raise InvalidRecord(f"a text of {len(data)} bytes; at most {ERASABLE_BYTES_MAX} fit")
    return data, BodyRef(keys.hash32(keys.BODY, data), len(data), permanent=False)


def read_erasable_body(data: bytes) -> tuple[str, bytes]:
    """Return media type and content of an erasable body. Raises `Malformed`."""
    match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
        case [bytes(salt), str(media_type), bytes(content)] if len(salt) == SALT_BYTES:
            return media_type, content
        case _:
            raise Malformed("not an erasable body")


def permanent_body(data: bytes) -> BodyRef:
    """Return the reference to a permanent body. Raises `InvalidRecord` above 1 MiB."""
    if len(data) > PERMANENT_BYTES_MAX:
        raise InvalidRecord(f"a document of {len(data)} bytes; at most {PERMANENT_BYTES_MAX} fit")
    return BodyRef(keys.hash32(keys.BODY, data), len(data), permanent=True)


def is_body(ref: BodyRef, data: bytes) -> bool:
    """Whether `data` is the body that `ref` names."""
    return len(data) == ref.size and keys.hash32(keys.BODY, data) == ref.hash


def read_deps(values: list[Value], prev: bytes) -> tuple[RecordId, ...]:
    """Return the cited ids of a header. prev: its predecessor's id. Raises `InvalidRecord`."""
    if len(values) > DEPS_MAX:
        raise InvalidRecord(f"cites {len(values)} records, more than {DEPS_MAX}")
    last = b""
    for value in values:
        if type(value) is not bytes or len(value) != 32 or value <= last or value == prev:
            raise InvalidRecord("cited ids are sorted, unique, and not the previous record")
        last = value
    return tuple(cast("list[RecordId]", values))


def read_body_ref(value: Value, kind: str) -> BodyRef:
    """Return the body reference in a header of that kind. Raises `InvalidRecord`."""
    match value:
        case [bytes(digest), int(size), 0 | 1 | 2 as cls] if len(digest) == 32 and type(cls) is int:
            limit = PERMANENT_BYTES_MAX if cls == PERMANENT else ERASABLE_BYTES_MAX
            if cls == PERMANENT and kind not in PERMANENT_BODY_KINDS:
                raise InvalidRecord(f"a record of kind {kind!r:.40} has no permanent body")
            if type(size) is int and 0 < size <= limit:
                return BodyRef(digest, size, cls == PERMANENT, cls == SEALED)
    raise InvalidRecord("the reference to the body is not [hash, size, class] within limits")
