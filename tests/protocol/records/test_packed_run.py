"""Packed runs: what is unpacked is what was packed, and nothing else is."""

from __future__ import annotations

import struct
import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import SIGNATURE_BYTES
from commonweal.protocol.records import packed_run, record
from commonweal.protocol.records.packed_run import RECORDS_MAX
from commonweal.protocol.records.record import BodyRef, Record, RecordId
from commonweal.storage.records.logs.log_pages import opening_of
from tests.protocol.authors import BO, COMMUNITY, chain, seed, wires, write

OPENING = opening_of(COMMUNITY, BO.device)
FIRST = chain(BO, 1)[0]
HEAD_BYTES = 67
CITED = [RecordId(seed("cited", n)) for n in range(16)]


def run_of(count: int, chance: Random) -> list[Record]:
    """Return records with clocks that jump, other bases, citations and bodies among them."""
    run: list[Record] = []
    last, basis = FIRST, RecordId(COMMUNITY)
    for n in range(count):
        clock = last.clock + chance.choice((1, 1, 1, 2, 200, 70_000, 2**33))
        basis = chance.choice((basis, basis, basis, RecordId(seed("basis", n))))
        last = write(
            BO,
            last,
            clock=clock,
            basis=basis,
            deps=tuple(sorted(chance.sample(CITED, chance.choice((0, 0, 1, 16))))),
            kind=chance.choice(("event", "attest", "other")),
            data={"n": n, "tag": "x" * chance.choice((0, 3, 300))},
            body=chance.choice((None, BodyRef(seed("body", n), 60_000 >> n % 15, False))),
        )
        run.append(last)
    return run


@given(st.integers(1, RECORDS_MAX), st.randoms(use_true_random=False))
def test_what_is_packed_comes_out_again(count: int, chance: Random) -> None:
    run = run_of(count, chance)
    packed = packed_run.pack(OPENING, run)
    unpacked = packed_run.unpack(OPENING, run[0].seq, packed)
    assert unpacked.wires == wires(run)
    assert unpacked.ids == [one.id for one in run]
    assert packed_run.count(packed) == count
    parts = packed_run.parts(packed)
    assert b"".join(parts) == packed_run.text(packed)
    assert all(one.header.endswith(part) for one, part in zip(run, parts, strict=True))


def test_what_follows_from_each_other_is_left_out() -> None:
    run = chain(BO, RECORDS_MAX, FIRST)
    packed = packed_run.pack(OPENING, run)
    told = packed + packed_run.text(packed)
    assert not any(bytes(one.id) in told for one in run[:-1])
    assert len(packed) < HEAD_BYTES + RECORDS_MAX * (SIGNATURE_BYTES + 10)


@pytest.mark.parametrize("seq", [1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32])
def test_every_size_of_a_number_comes_back(seq: int) -> None:
    before = FIRST._replace(seq=seq - 1)
    run = [write(BO, before, clock=seq + 1)]
    run.append(write(BO, run[0]))
    packed = packed_run.pack(OPENING, run)
    assert packed_run.unpack(OPENING, seq, packed).wires == wires(run)


RUN = run_of(20, Random(1))
PACKED = packed_run.pack(OPENING, RUN)


def test_every_flipped_bit_is_found() -> None:
    """But for those few that do not matter, such as what fills the last byte of the stream."""
    harmless = 0
    for at in range(len(PACKED)):
        for bit in range(8):
            flipped = PACKED[:at] + bytes([PACKED[at] ^ 1 << bit]) + PACKED[at + 1 :]
            try:
                read = packed_run.unpack(OPENING, RUN[0].seq, flipped)
            except Malformed:
                continue
            assert read.wires == wires(RUN)
            harmless += 1
    assert 100 * harmless < 8 * len(PACKED)


@pytest.mark.parametrize("length", range(0, len(PACKED), 7))
def test_a_run_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        packed_run.unpack(OPENING, RUN[0].seq, PACKED[:length])


def test_a_run_of_another_place_is_refused() -> None:
    with pytest.raises(Malformed):
        packed_run.unpack(OPENING, RUN[0].seq + 1, PACKED)
    with pytest.raises(Malformed):
        packed_run.unpack(OPENING[:-1] + b"\x00", RUN[0].seq, PACKED)
    with pytest.raises(Malformed):
        packed_run.unpack(OPENING, RUN[0].seq, PACKED + b"\x00")


def forged(number: int, text: bytes) -> bytes:
    """Return a run that says what it likes."""
    signatures = bytes(SIGNATURE_BYTES * number)
    head = struct.pack(">BH", 1, number) + bytes(64)
    return head + signatures + zlib.compress(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, b""),
        (RECORDS_MAX + 1, bytes(2 * RECORDS_MAX + 2)),
        (1, b""),
        (1, b"\x00\x00"),
        (1, b"\x00\x01\x90"),
        (1, b"\x00\x02\x90"),
        (1, b"\x00\x01\xcf"),
        (1, b"\x00\x09\xcf" + b"\xff" * 8),
        (2, b"\x00\x09\x00\x01\xcf" + b"\xff" * 8 + b"\x90"),
        (1, b"\xff\xff" + bytes(65_535)),
    ],
)
def test_a_forged_run_is_refused_by_name(number: int, text: bytes) -> None:
    for read in (packed_run.text, packed_run.parts):
        try:
            read(forged(number, text))
        except Malformed as error:
            assert "packed run" in str(error)
    with pytest.raises(Malformed):
        packed_run.unpack(OPENING, 1, forged(number, text))


def test_a_run_that_inflates_without_end_is_not_inflated() -> None:
    most = 2 + record.HEADER_BYTES_MAX
    with pytest.raises(Malformed, match="too late"):
        packed_run.text(forged(1, bytes(most + 1)))
    with pytest.raises(Malformed):
        packed_run.text(forged(1, bytes(100_000_000)))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_run_or_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        packed_run.unpack(OPENING, 1, data)
        pytest.fail("random bytes made sense")
