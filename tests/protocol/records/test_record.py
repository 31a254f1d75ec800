"""Records: what a device signs is read back, and whatever else is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import (
    BadSignature,
    CommonwealError,
    InvalidRecord,
    Malformed,
    WrongCommunity,
)
from commonweal.protocol.records import batch_decode, record
from commonweal.protocol.records.record import (
    ERASABLE_BYTES_MAX,
    HEADER_BYTES_MAX,
    HEADER_VALUES_MAX,
    PERMANENT_BYTES_MAX,
    BodyRef,
    RecordId,
)
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    MEI,
    NOW_MS,
    OTHER_COMMUNITY,
    chain,
    header_fields,
    seed,
    signed,
    spoiled,
    write,
)

CONTEXT, IN, AUTHOR, SEQ, PREV, CLOCK, BASIS, DEPS, CLAIMED_AT, KIND, DATA, BODY = range(12)


LOG = chain(BO, 3)


LAST = LOG[-1]


IDS = sorted(seed("cited", n) for n in range(17))


HASH = b"\x11" * 32


def test_a_record_says_what_was_signed() -> None:
    _, ref = record.erasable_body(bytes(16), "text/plain", b"thanks")
    made = write(BO, LAST, clock=9, deps=(LOG[0].id,), kind="attest", data={"say": "yes"}, body=ref)
    read = record.from_bytes(made.wire)
    assert read == made
    assert (read.community, read.author, read.seq, read.prev) == (COMMUNITY, BO.device, 3, LAST.id)
    assert (read.clock, bytes(read.basis), read.deps) == (9, COMMUNITY, (LOG[0].id,))
    assert (read.claimed_at, read.kind, read.data) == (NOW_MS, "attest", {"say": "yes"})
    assert read.body == ref
    assert read.header + read.signature == read.wire
    assert read.id == keys.hash32(keys.RECORD, read.wire)
    assert str(read) == f"{BO.device[:4].hex()}#3 attest"


@pytest.mark.parametrize("data", [{}, {"n": 1, "list": [{"a": b"x"}, None, True]}, {"字": "é"}])
def test_data_that_was_left_out_is_read_again(data: dict[str, Any]) -> None:
    whole = write(BO, LAST, clock=9, kind="event", data=data)
    bare = record.without_data(whole)
    assert bare.data is record.UNREAD
    assert record.without_data(bare) == bare
    assert record.with_data(bare) == whole == record.with_data(whole)


def test_the_id_commits_to_the_signature() -> None:
    bad = spoiled(LAST)
    assert bad.header == LAST.header
    assert bad.id != LAST.id


def test_the_founding_record_names_its_community() -> None:
    assert FIRST.community == b"" == FIRST.basis == FIRST.prev
    assert record.community_of(FIRST) == bytes(FIRST.id) == record.community_of(LAST)
    record.check_community(FIRST, COMMUNITY)
    record.check_community(LAST, COMMUNITY)
    for one in (FIRST, LAST):
        with pytest.raises(WrongCommunity):
            record.check_community(one, OTHER_COMMUNITY)


BAD_FIELDS: dict[str, tuple[int, Any, str]] = {
    "context of an enrolment": (CONTEXT, "commonweal/1/enrol", "starts with"),
    "context of another version": (CONTEXT, "commonweal/2", "starts with"),
    "context as bytes": (CONTEXT, b"commonweal/1", "starts with"),
    "community too short": (IN, b"c" * 31, "wrong type or size"),
    "community too long": (IN, b"c" * 33, "wrong type or size"),
    "community empty": (IN, b"", "wrong type or size"),
    "community as text": (IN, "c" * 32, "wrong type or size"),
    "community nil": (IN, None, "wrong type or size"),
    "author too short": (AUTHOR, b"a" * 31, "wrong type or size"),
    "author too long": (AUTHOR, b"a" * 33, "wrong type or size"),
    "author as text": (AUTHOR, "a" * 32, "wrong type or size"),
    "seq negative": (SEQ, -1, "wrong type or size"),
    "seq true": (SEQ, True, "wrong type or size"),
    "seq nil": (SEQ, None, "wrong type or size"),
    "seq as bytes": (SEQ, b"\x02", "wrong type or size"),
    "seq 0 with a previous record": (SEQ, 0, "wrong type or size"),
    "seq false": (SEQ, False, "wrong type or size"),
    "prev empty": (PREV, b"", "wrong type or size"),
    "prev too short": (PREV, b"p" * 31, "wrong type or size"),
    "prev as text": (PREV, "p" * 32, "wrong type or size"),
    "prev nil": (PREV, None, "wrong type or size"),
    "clock 0": (CLOCK, 0, "wrong type or size"),
    "clock negative": (CLOCK, -1, "wrong type or size"),
    "clock true": (CLOCK, True, "wrong type or size"),
    "clock as text": (CLOCK, "4", "wrong type or size"),
    "basis empty": (BASIS, b"", "wrong type or size"),
    "basis too long": (BASIS, b"b" * 33, "wrong type or size"),
    "basis nil": (BASIS, None, "wrong type or size"),
    "deps nil": (DEPS, None, "wrong type or size"),
    "deps as a map": (DEPS, {}, "wrong type or size"),
    "deps as bytes": (DEPS, IDS[0], "wrong type or size"),
    "deps 17": (DEPS, IDS, "cites 17 records"),
    "deps out of order": (DEPS, [IDS[1], IDS[0]], "sorted, unique"),
    "deps twice": (DEPS, [IDS[0], IDS[0]], "sorted, unique"),
    "deps with the previous record": (DEPS, [LOG[1].id], "not the previous record"),
    "deps too short": (DEPS, [b"d" * 31], "sorted, unique"),
    "deps too long": (DEPS, [b"d" * 33], "sorted, unique"),
    "deps empty id": (DEPS, [b""], "sorted, unique"),
    "deps as text": (DEPS, ["d" * 32], "sorted, unique"),
    "claimed_at negative": (CLAIMED_AT, -1, "wrong type or size"),
    "claimed_at true": (CLAIMED_AT, True, "wrong type or size"),
    "claimed_at nil": (CLAIMED_AT, None, "wrong type or size"),
    "kind empty": (KIND, "", "wrong type or size"),
    "kind too long": (KIND, "k" * 33, "wrong type or size"),
    "kind as bytes": (KIND, b"event", "wrong type or size"),
    "kind nil": (KIND, None, "wrong type or size"),
    "kind of a founding record": (KIND, "community.found", "wrong type or size"),
    "data as a list": (DATA, [], "wrong type or size"),
    "data nil": (DATA, None, "wrong type or size"),
    "body false": (BODY, False, "reference to the body"),
    "body empty": (BODY, [], "reference to the body"),
    "body as a hash": (BODY, HASH, "reference to the body"),
    "body with a short hash": (BODY, [HASH[:31], 1, 0], "reference to the body"),
    "body with a long hash": (BODY, [HASH + b"x", 1, 0], "reference to the body"),
    "body with a text hash": (BODY, ["h" * 32, 1, 0], "reference to the body"),
    "body of size 0": (BODY, [HASH, 0, 0], "reference to the body"),
    "body of size -1": (BODY, [HASH, -1, 0], "reference to the body"),
    "body of size true": (BODY, [HASH, True, 0], "reference to the body"),
    "body of size nil": (BODY, [HASH, None, 0], "reference to the body"),
    "body of class 3": (BODY, [HASH, 1, 3], "reference to the body"),
    "body of class -1": (BODY, [HASH, 1, -1], "reference to the body"),
    "body of class false": (BODY, [HASH, 1, False], "reference to the body"),
    "body of class true": (BODY, [HASH, 1, True], "reference to the body"),
    "body without a class": (BODY, [HASH, 1], "reference to the body"),
    "body with a fourth item": (BODY, [HASH, 1, 0, 0], "reference to the body"),
    "erasable body too large": (BODY, [HASH, 64 * 1024 + 1, 0], "reference to the body"),
    "permanent body too large": (BODY, [HASH, 1024 * 1024 + 1, 1], "reference to the body"),
}


@pytest.mark.parametrize(("place", "value", "text"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_a_header_with_one_wrong_field_is_refused(place: int, value: Any, text: str) -> None:
    fields = header_fields(LAST)
    if place == BODY:
        fields[KIND] = "rules.propose"
    fields[place] = value
    with pytest.raises(InvalidRecord, match=text):
        record.from_bytes_unchecked(signed(BO, fields))


@pytest.mark.parametrize("kind", ["event", "attest", "rules.comment", "a kind of later", "k"])
def test_a_kind_that_has_no_document_carries_no_permanent_body(kind: str) -> None:
    """Nobody may delete one, so nobody is made to keep one that says nothing."""
    fields = header_fields(LAST)
    fields[KIND], fields[BODY] = kind, [HASH, 1, 1]
    wire = signed(BO, fields)
    with pytest.raises(InvalidRecord, match="has no permanent body"):
        record.from_bytes_unchecked(wire)
    fields[BODY] = [HASH, 1, 0]
    assert record.from_bytes_unchecked(signed(BO, fields)).body == BodyRef(HASH, 1, False)
    with pytest.raises(InvalidRecord, match="has no permanent body"):
        batch_decode.read([wire, wire])


@pytest.mark.parametrize("kind", sorted(record.PERMANENT_BODY_KINDS - {record.FOUND}))
def test_a_kind_that_is_judged_by_its_document_carries_one(kind: str) -> None:
    fields = header_fields(LAST)
    fields[KIND], fields[BODY] = kind, [HASH, 1, 1]
    assert record.from_bytes_unchecked(signed(BO, fields)).body == BodyRef(HASH, 1, True)


def test_a_header_has_so_many_values_and_no_more() -> None:
    fields = header_fields(LAST)
    fields[DATA] = {"n": []}
    others = 1 + len(fields) + len(fields[DEPS]) + 2 + (3 if fields[BODY] else 0)
    fields[DATA] = {"n": [0] * (HEADER_VALUES_MAX - others)}
    record.from_bytes_unchecked(signed(BO, fields))
    fields[DATA] = {"n": [0] * (HEADER_VALUES_MAX - others + 1)}
    with pytest.raises(Malformed, match="more than 512 values"):
        record.from_bytes_unchecked(signed(BO, fields))


GOOD_FIELDS: dict[str, tuple[int, Any]] = {
    "another community": (IN, b"c" * 32),
    "the largest seq": (SEQ, codec.INT_MAX),
    "the largest clock": (CLOCK, codec.INT_MAX),
    "no time": (CLAIMED_AT, 0),
    "16 citations": (DEPS, IDS[:16]),
    "a kind that nobody knows": (KIND, "k" * 32),
    "a kind of 32 characters in more bytes": (KIND, "共" * 32),
    "unknown keys": (DATA, {"": {"n": [None, True, -1, b"", "ü"]}}),
    "the largest erasable body": (BODY, [HASH, ERASABLE_BYTES_MAX, 0]),
    "the largest sealed body": (BODY, [HASH, ERASABLE_BYTES_MAX, 2]),
    "the largest permanent body": (BODY, [HASH, PERMANENT_BYTES_MAX, 1]),
}


@pytest.mark.parametrize(("place", "value"), GOOD_FIELDS.values(), ids=GOOD_FIELDS)
def test_a_header_at_the_edge_of_its_limits_is_read(place: int, value: Any) -> None:
    fields = header_fields(LAST)
    if place == BODY:
        fields[KIND] = "rules.propose"
    fields[place] = value
    read = record.from_bytes(signed(BO, fields))
    assert header_fields(read)[place] == value


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (IN, bytes(COMMUNITY), "wrong type or size"),
        (BASIS, bytes(COMMUNITY), "wrong type or size"),
        (PREV, bytes(COMMUNITY), "wrong type or size"),
        (SEQ, 1, "wrong type or size"),
        (DEPS, [IDS[0]], "first of its log and cites nothing"),
    ],
)
def test_a_founding_record_begins_its_log_and_follows_nothing(
    place: int, value: Any, text: str
) -> None:
    fields = header_fields(FIRST)
    fields[place] = value
    with pytest.raises(InvalidRecord, match=text):
        record.from_bytes_unchecked(signed(MEI, fields))


def test_a_founding_record_with_a_previous_one_is_refused() -> None:
    fields = header_fields(FIRST)
    fields[SEQ], fields[PREV] = 1, HASH
    with pytest.raises(InvalidRecord, match="cites nothing"):
        record.from_bytes_unchecked(signed(MEI, fields))


@pytest.mark.parametrize(
    "value",
    [None, 0, "commonweal/1", {}, [], header_fields(LAST)[:11], [*header_fields(LAST), None]],
    ids=["nil", "int", "text", "map", "empty", "eleven", "thirteen"],
)
def test_a_header_is_a_list_of_twelve(value: Any) -> None:
    with pytest.raises(Malformed, match="12 fields"):
        record.from_bytes_unchecked(signed(BO, value))


def test_a_header_ends_at_its_limit() -> None:
    fields = header_fields(LAST)
    fields[DATA] = {"pad": b""}
    # An empty pad takes 2 bytes of form, one of this length 3.
    room = HEADER_BYTES_MAX - len(codec.encode(fields)) - 1
    fields[DATA] = {"pad": bytes(room)}
    largest = signed(BO, fields)
    assert len(largest) == HEADER_BYTES_MAX + 64
    assert record.from_bytes(largest).wire == largest
    fields[DATA] = {"pad": bytes(room + 1)}
    with pytest.raises(InvalidRecord, match="a record of 16449 bytes"):
        record.from_bytes_unchecked(signed(BO, fields))


@pytest.mark.parametrize("size", [0, 1, 63, 64])
def test_bytes_without_a_header_are_no_record(size: int) -> None:
    with pytest.raises(InvalidRecord, match="65 to"):
        record.from_bytes_unchecked(bytes(size))


def test_a_header_that_is_not_canonical_is_refused() -> None:
    stretched = b"\xdc\x00\x0c" + LAST.header[1:]
    with pytest.raises(Malformed, match="shorter"):
        record.from_bytes(stretched + BO.signer.sign(stretched))


def test_only_the_author_signs() -> None:
    with pytest.raises(BadSignature):
        record.from_bytes(spoiled(LAST).wire)
    with pytest.raises(BadSignature):
        record.from_bytes(LAST.header + EVE.signer.sign(LAST.header))
    claimed = header_fields(LAST)
    claimed[AUTHOR] = EVE.device
    with pytest.raises(BadSignature):
        record.from_bytes(signed(BO, claimed))


def test_every_changed_byte_is_noticed() -> None:
    for place in range(len(LAST.wire)):
        changed = bytearray(LAST.wire)
        changed[place] ^= 0x20
        with pytest.raises(CommonwealError):
            record.from_bytes(bytes(changed))


def test_what_others_would_refuse_is_not_signed() -> None:
    with pytest.raises(InvalidRecord, match="sorted, unique"):
        write(BO, LAST, deps=(RecordId(IDS[1]), RecordId(IDS[0])))
    with pytest.raises(InvalidRecord, match="reference to the body"):
        write(BO, LAST, body=BodyRef(HASH, 0, permanent=False))
    with pytest.raises(InvalidRecord, match="of 20"):
        write(BO, LAST, data={"pad": bytes(20_000)})
    with pytest.raises(Malformed):
        write(BO, LAST, data={"n": 2**63})


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_refused_by_name(data: bytes) -> None:
    for read in (record.from_bytes_unchecked, record.read_erasable_body):
        with pytest.raises((Malformed, InvalidRecord)):
            read(data)
            pytest.fail("random bytes made sense")


@given(st.integers(0, len(LAST.wire) - 1), st.integers(1, 255))
def test_a_changed_record_is_refused_by_name(place: int, change: int) -> None:
    changed = bytearray(LAST.wire)
    changed[place] ^= change
    with pytest.raises((Malformed, InvalidRecord)):
        record.from_bytes(bytes(changed))
