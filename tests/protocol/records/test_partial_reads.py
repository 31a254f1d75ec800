"""What is read of a record without decoding the rest: its clock, and what its body is."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.records import record
from commonweal.protocol.records.record import ERASABLE_BYTES_MAX, PERMANENT_BYTES_MAX, BodyRef
from tests.protocol.authors import BO, FIRST, chain, header_fields, signed

SEQ, CLOCK, KIND, DATA, BODY = 3, 5, 9, 10, 11
LOG = chain(BO, 3)
LAST = LOG[-1]
HASH = b"\x11" * 32
SIZES = [1, 2, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, codec.INT_MAX]


@pytest.mark.parametrize("clock", SIZES)
@pytest.mark.parametrize("seq", SIZES)
def test_the_clock_is_read_without_the_rest(seq: int, clock: int) -> None:
    fields = header_fields(LAST)
    fields[SEQ], fields[CLOCK] = seq, clock
    assert record.clock_from_bytes(signed(BO, fields)) == clock


def test_the_clock_of_a_first_record_is_read_too() -> None:
    assert record.clock_from_bytes(FIRST.wire) == 1
    assert record.clock_from_bytes(LOG[0].wire) == 2


@given(st.binary(max_size=200))
def test_the_clock_of_junk_is_a_number_or_malformed(data: bytes) -> None:
    try:
        assert record.clock_from_bytes(data) >= 0
    except Malformed:
        return


@pytest.mark.parametrize("length", range(90))
def test_a_record_that_was_cut_has_no_clock(length: int) -> None:
    with pytest.raises(Malformed, match="ends before its clock"):
        record.clock_from_bytes(LAST.wire[:length])


@pytest.mark.parametrize("size", [1, 127, 128, 255, 256, 65_535, 65_536, ERASABLE_BYTES_MAX])
@pytest.mark.parametrize("cls", [record.ERASABLE, record.PERMANENT, record.SEALED])
def test_the_reference_to_a_body_is_read_without_the_rest(size: int, cls: int) -> None:
    fields = header_fields(LAST)
    fields[KIND], fields[BODY] = "rules.propose", [HASH, min(size, PERMANENT_BYTES_MAX), cls]
    wire = signed(BO, fields)
    assert record.body_from_bytes(wire) == record.from_bytes_unchecked(wire).body


def test_a_record_without_a_body_names_none() -> None:
    assert LAST.body is None
    assert record.body_from_bytes(LAST.wire) is None


@pytest.mark.parametrize(("size", "at"), [(1, 0), (200, 1), (300, 2), (70_000, 1), (0x1CC70, 0)])
def test_bytes_before_a_reference_or_in_it_that_look_like_one_mislead_nobody(
    size: int, at: int
) -> None:
    head = b"\x93\xc4\x20"
    fields = header_fields(LAST)
    fields[KIND] = "rules.propose"
    for length in range(5):
        misleading = head + bytes([0xCE]) * (length + 1)
        for digest in (bytes([0xCE]) * 32, (bytes(at) + head).ljust(32, b"\xce")):
            fields[DATA], fields[BODY] = {"action": misleading}, [digest, size, record.PERMANENT]
            wire = signed(BO, fields)
            assert record.body_from_bytes(wire) == BodyRef(digest, size, permanent=True)


@given(st.binary(min_size=65, max_size=200))
def test_a_reference_in_junk_is_one_or_an_error(data: bytes) -> None:
    with suppress(Malformed, InvalidRecord):
        ref = record.body_from_bytes(data)
        assert ref is None or len(ref.hash) == 32
