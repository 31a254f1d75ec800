"""Proofs: two records convict the author of a broken log, and nobody else."""

from __future__ import annotations

from hashlib import sha512
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import (
    BadSignature,
    CommonwealError,
    InvalidRecord,
    Malformed,
    WrongCommunity,
)
from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.record import NO_ID, Record
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    MEI,
    OTHER_COMMUNITY,
    chain,
    seed,
    spoiled,
    write,
)

LOG = chain(BO, 5)
RIVAL = write(BO, LOG[1], data={"n": "another"})


def test_two_records_after_one_are_a_fork() -> None:
    proof = fork_proof.check(LOG[2], RIVAL, COMMUNITY)
    assert (proof.author, proof.seq, proof.prev) == (BO.device, 2, LOG[1].id)
    assert sorted(proof.wires) == sorted((LOG[2].wire, RIVAL.wire))
    assert str(proof) == f"proof against {BO.device[:4].hex()} from #2"


def test_a_fork_has_one_proof_whoever_finds_it() -> None:
    one, two = (fork_proof.check(*pair, COMMUNITY) for pair in ((LOG[2], RIVAL), (RIVAL, LOG[2])))
    assert one == two
    assert fork_proof.to_bytes(one) == fork_proof.to_bytes(two)
    assert one.id == keys.hash32(keys.EVIDENCE, fork_proof.to_bytes(one))
    ids = [record.from_bytes(data).id for data in one.wires]
    assert ids == sorted(ids)


def test_a_first_record_can_be_forked() -> None:
    proof = fork_proof.check(LOG[0], write(BO, None, data={"n": "another"}), COMMUNITY)
    assert (proof.seq, proof.prev) == (0, NO_ID)


def test_one_header_under_two_good_signatures_is_a_fork() -> None:
    other = _signed_otherwise(LOG[2])
    assert other.header == LOG[2].header
    proof = fork_proof.check(LOG[2], other, COMMUNITY)
    assert (proof.seq, proof.prev) == (2, LOG[1].id)


def test_a_bad_signature_before_a_good_one_is_a_proof() -> None:
    bad = spoiled(write(BO, LOG[1], data={"n": "bad"}))
    good = write(BO, bad)
    proof = fork_proof.check(bad, good, COMMUNITY)
    assert (proof.author, proof.seq, proof.prev) == (BO.device, 2, LOG[1].id)
    assert proof.wires == (bad.wire, good.wire)


def test_a_proof_is_read_from_its_bytes() -> None:
    bad = spoiled(write(BO, LOG[1]))
    for pair in ((LOG[2], RIVAL), (bad, write(BO, bad))):
        proof = fork_proof.check(*pair, COMMUNITY)
        assert fork_proof.from_bytes_checked(fork_proof.to_bytes(proof), COMMUNITY) == proof


BAD = spoiled(LOG[2])
AFTER_BAD = write(BO, BAD)
EVES = write(EVE, None)
ABROAD = write(BO, LOG[1], community=OTHER_COMMUNITY)
FALSE = {
    "one record twice": (LOG[2], LOG[2], "do not contradict"),
    "two records in a row": (LOG[2], LOG[3], "both signatures are good"),
    "two records in a row, reversed": (LOG[3], LOG[2], "do not contradict"),
    "two records apart": (LOG[1], LOG[3], "do not contradict"),
    "two logs": (LOG[0], EVES, "names one device"),
    "a rival that nobody signed": (LOG[2], spoiled(RIVAL), "by key"),
    "a rival that nobody signed, first": (spoiled(RIVAL), LOG[2], "by key"),
    "a spoiled copy": (LOG[2], BAD, "by key"),
    "a bad signature and the record after the good one": (BAD, LOG[3], "do not contradict"),
    "a bad signature and a bad one after it": (BAD, spoiled(AFTER_BAD), "by key"),
    "a bad signature and the one before it": (LOG[1], BAD, "by key"),
    "a good record and one after its rival": (LOG[2], write(BO, RIVAL), "do not contradict"),
    "rivals that follow different records": (LOG[3], write(BO, RIVAL), "parted earlier"),
}


@pytest.mark.parametrize(("one", "two", "text"), FALSE.values(), ids=FALSE)
def test_what_does_not_contradict_convicts_nobody(one: Record, two: Record, text: str) -> None:
    with pytest.raises(InvalidRecord, match=text):
        fork_proof.check(one, two, COMMUNITY)
    with pytest.raises(InvalidRecord, match=text):
        fork_proof.from_bytes_checked(_bytes(one, two), COMMUNITY)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(LOG[2], ABROAD, id="a record of another community"),
        pytest.param(ABROAD, LOG[2], id="a record of another community, first"),
        pytest.param(FIRST, write(MEI, None), id="not the founding record of this community"),
    ],
)
def test_what_a_key_signed_elsewhere_convicts_nobody_here(one: Record, two: Record) -> None:
    with pytest.raises(WrongCommunity):
        fork_proof.check(one, two, COMMUNITY if one is not FIRST else OTHER_COMMUNITY)


def test_a_proof_of_another_community_is_refused() -> None:
    data = _bytes(LOG[2], RIVAL)
    with pytest.raises(WrongCommunity):
        fork_proof.from_bytes_checked(data, OTHER_COMMUNITY)
    bad = spoiled(write(BO, LOG[1], community=OTHER_COMMUNITY))
    with pytest.raises(WrongCommunity):
        fork_proof.check(bad, write(BO, bad), COMMUNITY)


def test_a_founder_can_be_convicted() -> None:
    proof = fork_proof.check(FIRST, write(MEI, None), COMMUNITY)
    assert (proof.author, proof.seq) == (MEI.device, 0)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Malformed),
        (codec.encode(None), InvalidRecord),
        (codec.encode(["commonweal/1/proof", LOG[2].wire]), InvalidRecord),
        (codec.encode(["commonweal/1", LOG[2].wire, RIVAL.wire]), InvalidRecord),
        (codec.encode(["commonweal/1/proof", LOG[2].wire, RIVAL.wire, None]), InvalidRecord),
        (codec.encode(["commonweal/1/proof", LOG[2].wire, "text"]), InvalidRecord),
        (codec.encode(["commonweal/1/proof", LOG[2].wire, b"junk"]), InvalidRecord),
        (codec.encode(["commonweal/1/proof", b"\xc1" * 99, RIVAL.wire]), Malformed),
        (codec.encode([b"commonweal/1/proof", LOG[2].wire, RIVAL.wire]), InvalidRecord),
    ],
)
def test_what_is_no_proof_is_refused(data: bytes, error: type[CommonwealError]) -> None:
    with pytest.raises(error):
        fork_proof.from_bytes_checked(data, COMMUNITY)


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises((Malformed, InvalidRecord)):
        fork_proof.from_bytes_checked(data, COMMUNITY)


# Going through a chain.


def test_a_chain_of_good_signatures_convicts_nobody() -> None:
    assert fork_proof.find_bad_signature(LOG, COMMUNITY) is None
    assert fork_proof.find_bad_signature([], COMMUNITY) is None


@pytest.mark.parametrize("at", range(4))
def test_a_bad_signature_in_a_chain_convicts(at: int) -> None:
    run = chain(BO, at)
    run.append(spoiled(write(BO, run[-1] if run else None)))
    run += chain(BO, 2, run[-1])
    proof = fork_proof.find_bad_signature(run, COMMUNITY)
    assert proof == fork_proof.check(run[at], run[at + 1], COMMUNITY)
    assert proof.seq == at


@pytest.mark.parametrize("count", [2, 3])
def test_of_bad_signatures_in_a_row_the_last_convicts(count: int) -> None:
    run = chain(BO, 1)
    for _ in range(count):
        run.append(spoiled(write(BO, run[-1])))
    run.append(write(BO, run[-1]))
    proof = fork_proof.find_bad_signature(run, COMMUNITY)
    assert proof is not None
    assert (proof.seq, proof.prev) == (count, run[count - 1].id)
    # The good part now ends in a bad signature, which only the proof vouches for.
    assert run[count].prev == proof.prev


def test_of_bad_signatures_apart_the_first_convicts() -> None:
    run = chain(BO, 1)
    for number in range(4):
        run.append(write(BO, run[-1]))
        if number % 2 == 0:
            run[-1] = spoiled(run[-1])
    proof = fork_proof.find_bad_signature(run, COMMUNITY)
    assert proof is not None
    assert proof.seq == 1


def test_a_bad_signature_that_nobody_follows_convicts_nobody() -> None:
    assert fork_proof.find_bad_signature([*LOG, spoiled(write(BO, LOG[-1]))], COMMUNITY) is None


def test_no_pair_of_an_honest_chain_and_its_spoiled_copies_convicts() -> None:
    copies = [spoiled(one) for one in LOG]
    for one, two in (*pairwise(LOG), *zip(LOG, copies, strict=True), *pairwise(copies)):
        with pytest.raises(InvalidRecord):
            fork_proof.check(one, two, COMMUNITY)
    for one, two in zip(copies, LOG[1:], strict=False):
        with pytest.raises((InvalidRecord, BadSignature)):
            fork_proof.check(one, two, COMMUNITY)


def _bytes(one: Record, two: Record) -> bytes:
    return codec.encode(["commonweal/1/proof", one.wire, two.wire])


def _signed_otherwise(one: Record) -> Record:
    """Return Bo's record under a second good signature (RFC 8032 with a nonce of our choice)."""
    order = 2**252 + 27742317777372353535851937790883648493
    secret = bytearray(sha512(keys.derive(seed("Bo", 0), keys.RECORD_SEED)).digest()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    nonce = 4711
    point = crypto_scalarmult_ed25519_base_noclamp(nonce.to_bytes(32, "little"))
    challenge = int.from_bytes(sha512(point + one.author + one.header).digest(), "little")
    answer = (nonce + challenge * int.from_bytes(secret, "little")) % order
    return record.from_bytes(one.header + point + answer.to_bytes(32, "little"))
