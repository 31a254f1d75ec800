"""Reading by columns gives what reading one by one gives, for good records and for bad."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import keys
from commonweal.protocol.errors import CommonwealError, Malformed
from commonweal.protocol.records import batch_decode, record
from commonweal.protocol.records.record import CONTEXT, Record

ID = b"\x07" * 32
SIGNATURE = b"\x05" * 64
HEADER: list[Any] = [CONTEXT, ID, ID, 1, ID, 2, ID, [], 0, "event", {}, None]
NAMES = ["context", *Record._fields[1:-1]]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=4),
    st.binary(max_size=4),
    st.floats(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def one_by_one(wires: list[bytes]) -> list[Record]:
    """Read as the reference does."""
    return [record.from_bytes_unchecked(wire) for wire in wires]


def outcome(read: Any, wires: list[bytes]) -> Any:
    """Return the records, or the kind of error and its text."""
    try:
        return read(wires)
    except CommonwealError as error:
        return type(error), str(error)


def wire(**changes: Any) -> bytes:
    """Return bytes that look like a record, with some fields changed, keys in their order."""
    fields = [changes.get(name, good) for name, good in zip(NAMES, HEADER, strict=True)]
    packed: bytes = msgpack.packb(fields)
    return packed + SIGNATURE


GOOD = [
    wire(seq=3, data={"a": 1, "b": {"c": [1, "x", b"y", None, True]}}),
    wire(seq=4, deps=[b"\x01" * 32, b"\x02" * 32]),
    wire(seq=5, body=[ID, 10, 0]),
    wire(seq=6, data={"m": -(2**63), "n": 2**63 - 1, "z": {}}),
]


def chained(*changes: dict[str, Any], seq: int = 126) -> list[bytes]:
    """Return bytes like a run of one log: each names the one before, and counts on."""
    wires: list[bytes] = []
    for one in changes:
        prev = keys.hash32(keys.RECORD, wires[-1]) if wires else ID
        place = {"seq": seq + len(wires), "prev": prev, "clock": 2 * seq + len(wires)}
        wires.append(wire(**(place | one)))
    return wires


FIELDS: list[dict[str, Any]] = [
    {"data": {"a": 1, "b": {"c": [1, "x", b"y", None, True]}}},
    {"deps": [b"\x01" * 32, b"\x02" * 32], "data": {"a": -(2**63), "b": {"c": []}}},
    {"body": [ID, 10, 0]},
    {"kind": "attest", "data": {"m": 2**63 - 1, "z": {}}},
]


def test_a_good_run_is_read_by_columns() -> None:
    assert batch_decode.read(GOOD) == one_by_one(GOOD)
    assert batch_decode._read_alike(GOOD) is not None, "the fast way was not taken"
    assert [type(one) for one in batch_decode.read(GOOD)] == [Record] * len(GOOD)


def test_a_chained_run_is_read_without_decoding_what_the_record_before_tells() -> None:
    run = chained(*FIELDS)
    assert batch_decode.read(run) == one_by_one(run)
    assert batch_decode.read_chained(run) is not None, "the fastest way was not taken"
    assert [type(one) for one in batch_decode.read(run)] == [Record] * len(run)


def test_a_run_from_the_first_record_of_a_log_is_chained_too() -> None:
    run = chained({"prev": b"", "clock": 2}, {"clock": 3}, {"clock": 4}, seq=0)
    assert batch_decode.read_chained(run) == one_by_one(run)


@pytest.mark.parametrize("changes", [{"seq": 9}, {"prev": ID}, {"clock": 9}, {"basis": b"x" * 32}])
@pytest.mark.parametrize("place", [1, 3])
def test_a_run_that_is_not_chained_is_read_alike(changes: dict[str, Any], place: int) -> None:
    fields = list(FIELDS)
    fields[place] = fields[place] | changes
    run = chained(*fields)
    assert batch_decode.read_chained(run) is None
    assert batch_decode.read(run) == one_by_one(run)


def test_counts_that_grow_beyond_the_largest_are_refused_as_alone() -> None:
    for large in ({"seq": 2**63 - 2}, {"clock": 2**63 - 2}):
        run = chained(large)
        for _ in range(3):
            name, before = next(iter(large.items()))
            large = {name: before + 1}
            place = {"prev": keys.hash32(keys.RECORD, run[-1]), "seq": 126 + len(run)}
            run.append(wire(**({"clock": 252 + len(run)} | place | large)))
        assert outcome(batch_decode.read, run) == outcome(one_by_one, run)
        assert outcome(batch_decode.read, run)[0] is Malformed


BAD = {
    "context": wire(context="other"),
    "short community": wire(community=b"x"),
    "seq of another type": wire(seq=True),
    "seq too large": wire(seq=2**63),
    "negative clock": wire(clock=-1),
    "clock zero": wire(clock=0),
    "time of another type": wire(claimed_at="0"),
    "empty kind": wire(kind=""),
    "long kind": wire(kind="k" * 33),
    "founding in the middle": wire(kind="community.found"),
    "kind of bytes": wire(kind=b"event"),
    "deps not sorted": wire(deps=[b"\x02" * 32, b"\x01" * 32]),
    "deps the previous": wire(deps=[ID]),
    "deps a map": wire(deps={}),
    "data a list": wire(data=[]),
    "data with a float": wire(data={"a": 0.5}),
    "data with a float deep down": wire(data={"a": {"b": [{"c": 0.5}]}}),
    "data not sorted": wire(data={"b": 1, "a": 1}),
    "data not sorted deep down": wire(data={"a": {"c": 1, "b": 1}}),
    "data with a key of bytes": wire(data={b"a": 1}),
    "data with too large a number": wire(data={"a": [2**63]}),
    "data with an extension": wire(data={"a": msgpack.ExtType(5, b"x")}),
    "data with a time": wire(data={"a": msgpack.Timestamp(1, 0)}),
    "data too deep": wire(data={"a": [[[[[[[1]]]]]]]}),
    "map too deep": wire(data={"a": {"b": {"c": {"d": {"e": {"f": {"g": {}}}}}}}}),
    "body too short": wire(body=[ID, 10]),
    "body of a bool class": wire(body=[ID, 10, True]),
    "eleven fields": msgpack.packb(HEADER[:11]) + SIGNATURE,
    "not a list": msgpack.packb({"a": 1}) + SIGNATURE,
    "two values": msgpack.packb(HEADER) + b"\xc0" + SIGNATURE,
    "nothing": SIGNATURE,
    "a longer form": b"\xdc\x00\x0c" + msgpack.packb(HEADER)[1:] + SIGNATURE,
    "a key twice": wire(data={"aa": 1, "bb": 1}).replace(b"\xa2bb", b"\xa2aa"),
    "not UTF-8": wire(kind="abcd").replace(b"abcd", b"\xff\xff\xff\xff"),
    "cut": wire()[:-70] + SIGNATURE,
    "too many values": wire(data={"a": [0] * 512}),
    "too large": wire(data={"a": "x" * 20_000}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_refused_as_alone(name: str) -> None:
    wires = [*GOOD, BAD[name], *GOOD]
    expected = outcome(one_by_one, wires)
    assert type(expected) is tuple, f"{name} is not bad"
    assert outcome(batch_decode.read, wires) == expected


CHANGES: list[dict[str, Any]] = [
    {"claimed_at": "0"},
    {"claimed_at": -1},
    {"kind": ""},
    {"kind": "k" * 33},
    {"kind": "community.found"},
    {"kind": b"event"},
    {"deps": [b"\x02" * 32, b"\x01" * 32]},
    {"deps": {}},
    {"data": []},
    {"data": {"a": 0.5}},
    {"data": {"a": {"b": [{"c": 0.5}]}}},
    {"data": {"b": 1, "a": 1}},
    {"data": {"a": {"c": 1, "b": 1}}},
    {"data": {b"a": 1}},
    {"data": {"a": [2**63]}},
    {"data": {"a": 2**63}},
    {"data": {"a": msgpack.ExtType(5, b"x")}},
    {"data": {"a": [[[[[[[1]]]]]]]}},
    {"data": {"a": "x" * 20_000}},
    {"body": [ID, 10]},
    {"body": [ID, 10, True]},
    {"community": b"x"},
    {"author": b"y" * 33},
    {"context": "other"},
]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_bad_record_in_a_chained_run_is_refused_as_alone(
    changes: dict[str, Any], place: int
) -> None:
    fields: list[dict[str, Any]] = [{"data": {"a": 1}}] * 4
    fields[place] = changes
    run = chained(*fields)
    expected = outcome(one_by_one, run)
    assert type(expected) is tuple, f"{changes} is not bad"
    assert outcome(batch_decode.read, run) == expected


def test_a_boundary_that_moved_between_two_headers_is_seen() -> None:
    one, two = wire(kind="event"), wire(kind="event")
    whole = one[:-64] + two[:-64]
    moved = [whole[:20] + SIGNATURE, whole[20:] + SIGNATURE]
    assert outcome(batch_decode.read, moved) == outcome(one_by_one, moved)


@given(st.lists(values, min_size=1, max_size=4))
def test_any_data_is_judged_alike(datas: list[Any]) -> None:
    wires = [*GOOD, *(wire(data=data) for data in datas)]
    assert outcome(batch_decode.read, wires) == outcome(one_by_one, wires)


@given(st.lists(values, min_size=1, max_size=4))
def test_any_data_in_a_chained_run_is_judged_alike(datas: list[Any]) -> None:
    run = chained({}, *({"data": data} for data in datas))
    assert outcome(batch_decode.read, run) == outcome(one_by_one, run)


@given(
    st.integers(0, 10_000),
    st.integers(0, 255),
    st.integers(0, len(GOOD) - 1),
    st.sampled_from([GOOD, chained(*FIELDS)]),
)
def test_any_changed_byte_is_judged_alike(
    place: int, value: int, which: int, good: list[bytes]
) -> None:
    wires = list(good)
    changed = bytearray(wires[which])
    changed[place % len(changed)] = value
    wires[which] = bytes(changed)
    assert outcome(batch_decode.read, wires) == outcome(one_by_one, wires)
