"""Credentials: each missing or wrong piece is refused, and the whole admits one node."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol import codec
from commonweal.protocol.errors import BadSignature, CommonwealError, Malformed, NotPermitted
from commonweal.protocol.identity import founding, membership_proof
from commonweal.protocol.identity.membership_proof import CREDENTIALS_BYTES_MAX, CREDENTIALS_MAX
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, PeerKey
from commonweal.protocol.records import record
from commonweal.protocol.records.record import CommunityId, Record
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    MEI,
    OTHER_COMMUNITY,
    spoiled,
    write,
)
from tests.protocol.identity.credentials import (
    ENROLMENT,
    VOUCH,
    check,
    enrolled,
    second_device,
    vouch,
)


def test_the_founding_record_admits_the_founder() -> None:
    assert check(FIRST, author=MEI) == MEI.id


def test_an_enrolment_and_a_vouch_admit_a_member() -> None:
    assert check(FIRST, ENROLMENT, VOUCH) == BO.id
    assert check(ENROLMENT, VOUCH, FIRST) == BO.id


def test_further_devices_are_admitted_with_their_member() -> None:
    device, enrolment = second_device(MEI)
    assert check(FIRST, enrolment, author=device) == MEI.id
    device, enrolment = second_device(BO)
    assert check(FIRST, ENROLMENT, enrolment, VOUCH, author=device) == BO.id


def test_any_device_of_the_founder_vouches() -> None:
    device, enrolment = second_device(MEI)
    word = vouch(device, BO.id, enrolment)
    assert check(FIRST, enrolment, ENROLMENT, word) == BO.id
    with pytest.raises(NotPermitted):
        check(FIRST, ENROLMENT, word)


EVES = enrolled(EVE)


MISSING: dict[str, list[Record]] = {
    "nothing": [],
    "no founding record": [ENROLMENT, VOUCH],
    "no enrolment": [FIRST, VOUCH],
    "no vouch": [FIRST, ENROLMENT],
    "only the founding record": [FIRST],
    "a vouch for another": [FIRST, ENROLMENT, vouch(MEI, EVE.id)],
    "a vouch by one who is unknown": [FIRST, ENROLMENT, vouch(EVE, BO.id)],
    "a vouch by one who is only enrolled": [FIRST, ENROLMENT, EVES, vouch(EVE, BO.id, EVES)],
    "a vouch of their own": [FIRST, ENROLMENT, vouch(BO, BO.id, ENROLMENT)],
    "another's enrolment": [FIRST, EVES, vouch(MEI, EVE.id)],
    "an enrolment elsewhere": [FIRST, enrolled(BO, OTHER_COMMUNITY), VOUCH],
    "a device before its member's keys": [FIRST, second_device(BO)[1], VOUCH],
    "more records than are needed": [FIRST, ENROLMENT] + [VOUCH] * (CREDENTIALS_MAX - 1),
}


@pytest.mark.parametrize("records", MISSING.values(), ids=MISSING)
def test_whoever_lacks_a_piece_is_refused(records: list[Record]) -> None:
    with pytest.raises(NotPermitted):
        check(*records)


def test_credentials_serve_one_node_of_one_community() -> None:
    good = [FIRST.wire, ENROLMENT.wire, VOUCH.wire]
    for community, device, peer in (
        (OTHER_COMMUNITY, BO.device, BO.peer),
        (COMMUNITY, EVE.device, BO.peer),
        (COMMUNITY, BO.device, EVE.peer),
        (COMMUNITY, EVE.device, EVE.peer),
        (COMMUNITY, BO.device, PeerKey(b"")),
        (COMMUNITY, DeviceKey(b""), PeerKey(b"")),
    ):
        with pytest.raises(NotPermitted):
            membership_proof.check(good, community, device, peer)


def test_an_enrolment_is_the_first_record_of_its_log() -> None:
    late = write(BO, write(BO, None), kind="device.enrol", data=ENROLMENT.data)
    with pytest.raises(NotPermitted, match="first record"):
        check(FIRST, late, VOUCH)


def test_another_founding_record_is_another_community() -> None:
    own = founding.found(EVE.member_signer, EVE.inception, EVE.signer, EVE.host, bytes(32), "x", 0)
    with pytest.raises(NotPermitted, match="another community"):
        check(own.record, author=EVE)
    with pytest.raises(NotPermitted, match="another community"):
        check(FIRST, own.record, author=EVE)


@pytest.mark.parametrize("at", range(3))
def test_a_record_that_is_not_signed_is_refused(at: int) -> None:
    good = [FIRST, ENROLMENT, VOUCH]
    good[at] = spoiled(good[at])
    with pytest.raises((BadSignature, NotPermitted)):
        check(*good)


@pytest.mark.parametrize("data", [b"", b"junk", b"\xc1" * 99])
def test_junk_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(CommonwealError):
        membership_proof.check([FIRST.wire, data], COMMUNITY, MEI.device, MEI.peer)


def changed(name: str, value: Any) -> Record:
    """Return Bo's enrolment with another value under `name`; None takes it away."""
    data: dict[str, Any] = dict(ENROLMENT.data)
    data[name] = value
    if value is None:
        del data[name]
    return write(BO, None, kind="device.enrol", data=data)


EVES_SIGNATURE = [EVE.member_signer.key, bytes(64)]


GOOD_SIGNATURE = ENROLMENT.data["signatures"][0]


WRONG: dict[str, tuple[Record, type[CommonwealError]]] = {
    "no member": (changed("member", None), NotPermitted),
    "another member": (changed("member", bytes(EVE.id)), NotPermitted),
    "a member as text": (changed("member", "Bo"), NotPermitted),
    "no inception": (changed("inception", None), NotPermitted),
    "another's inception": (changed("inception", EVE.inception.to_bytes()), NotPermitted),
    "an inception as text": (changed("inception", "Bo"), NotPermitted),
    "an inception of junk": (changed("inception", b"\xc0"), Malformed),
    "an inception too long": (changed("inception", bytes(1025)), Malformed),
    "no proof of the peer key": (changed("proof", None), Malformed),
    "a proof as text": (changed("proof", "p" * 64), Malformed),
    "a proof too short": (changed("proof", bytes(63)), BadSignature),
    "a proof by nobody": (changed("proof", bytes(64)), BadSignature),
    "a proof for another device": (changed("proof", enrolled(EVE).data["proof"]), BadSignature),
    "no peer": (changed("peer", None), Malformed),
    "a peer as text": (changed("peer", "p" * 32), Malformed),
    "a peer too short": (changed("peer", bytes(31)), Malformed),
    "another peer": (changed("peer", bytes(EVE.peer)), BadSignature),
    "the device as peer": (changed("peer", bytes(BO.device)), Malformed),
    "signatures missing": (changed("signatures", None), Malformed),
    "no signatures": (changed("signatures", []), BadSignature),
    "signatures as bytes": (changed("signatures", b""), Malformed),
    "a signature as bytes": (changed("signatures", [b"s"]), Malformed),
    "a signature of three": (changed("signatures", [[*GOOD_SIGNATURE, b""]]), Malformed),
    "a signature as text": (changed("signatures", [[GOOD_SIGNATURE[0], "s"]]), Malformed),
    "a stranger's signature": (changed("signatures", [EVES_SIGNATURE]), BadSignature),
    "a signature too short": (changed("signatures", [[GOOD_SIGNATURE[0], b""]]), BadSignature),
    "the signature twice": (changed("signatures", [GOOD_SIGNATURE] * 2), BadSignature),
}


@pytest.mark.parametrize(("enrolment", "error"), WRONG.values(), ids=WRONG)
def test_an_enrolment_with_one_wrong_piece_is_refused(
    enrolment: Record, error: type[CommonwealError]
) -> None:
    with pytest.raises(error):
        check(FIRST, enrolment, VOUCH)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("nonce", None, NotPermitted),
        ("nonce", "n" * 32, NotPermitted),
        ("nonce", bytes(31), Malformed),
        ("nonce", bytes(32), BadSignature),
        ("inception", None, Malformed),
        ("inception", EVE.inception.to_bytes(), BadSignature),
        ("peer", None, Malformed),
        ("proof", None, Malformed),
        ("proof", bytes(64), BadSignature),
        ("signatures", [], BadSignature),
    ],
)
def test_a_founding_record_with_one_wrong_piece_founds_nothing(
    name: str, value: Any, error: type[CommonwealError]
) -> None:
    data: dict[str, Any] = dict(FIRST.data) | {name: value}
    if value is None:
        del data[name]
    place = record.LogPosition(CommunityId(b""), 0, record.NO_ID, 1, record.NO_ID)
    made = record.sign(
        MEI.signer, place, record.RecordDraft(record.FOUND, data, 0, body=FIRST.body)
    )
    with pytest.raises(error):
        check(made, author=MEI, community=CommunityId(made.id))


def test_a_vouch_that_names_nobody_admits_nobody() -> None:
    named: list[codec.Value] = ["Bo", None, [bytes(BO.id)]]
    cases: list[dict[str, codec.Value]] = [{}, *({"member": name} for name in named)]
    for data in cases:
        word = write(MEI, FIRST, kind="member.vouch", data=data)
        with pytest.raises(NotPermitted, match="nobody who may admit"):
            check(FIRST, ENROLMENT, word)


def known(id: MemberId) -> tuple[tuple[MemberKey, ...], int] | None:
    """Return Bo's present keys, and nobody else's."""
    return (BO.inception.keys, 1) if id == BO.id else None


def test_a_known_member_enrols_a_further_device() -> None:
    device, enrolment = second_device(BO)
    assert membership_proof.is_enrolled(enrolment, COMMUNITY, device.device, device.peer, known)
    for community, key, peer in (
        (OTHER_COMMUNITY, device.device, device.peer),
        (COMMUNITY, BO.device, device.peer),
        (COMMUNITY, device.device, BO.peer),
    ):
        assert not membership_proof.is_enrolled(enrolment, community, key, peer, known)


def test_what_is_no_enrolment_of_a_known_member_lets_nobody_in() -> None:
    device, enrolment = second_device(EVE)
    assert not membership_proof.is_enrolled(enrolment, COMMUNITY, device.device, device.peer, known)
    for one in (
        FIRST,
        VOUCH,
        enrolled(BO, OTHER_COMMUNITY),
        changed("member", "Bo"),
        changed("peer", None),
        changed("signatures", None),
        write(BO, write(BO, None), kind="device.enrol", data=ENROLMENT.data),
        write(BO, None, kind="event", data=ENROLMENT.data),
    ):
        assert not membership_proof.is_enrolled(one, COMMUNITY, BO.device, BO.peer, known)


def test_a_further_device_needs_its_members_signature() -> None:
    for one in (
        changed("signatures", []),
        changed("signatures", [EVES_SIGNATURE]),
        changed("signatures", [GOOD_SIGNATURE] * 2),
        changed("signatures", [[GOOD_SIGNATURE[0], bytes(64)]]),
        changed("proof", bytes(64)),
    ):
        with pytest.raises(BadSignature):
            membership_proof.is_enrolled(one, COMMUNITY, BO.device, BO.peer, known)
    with pytest.raises(BadSignature, match="1 of 2"):
        membership_proof.is_enrolled(
            ENROLMENT, COMMUNITY, BO.device, BO.peer, lambda id: (BO.inception.keys, 2)
        )
    with pytest.raises(Malformed):
        one = changed("signatures", [b"s"])
        membership_proof.is_enrolled(one, COMMUNITY, BO.device, BO.peer, known)


def test_credentials_are_bounded_in_all() -> None:
    size = CREDENTIALS_BYTES_MAX - len(FIRST.wire)
    padded = write(BO, None, kind="note", data={"x": bytes(5000)})
    data = bytes(5000 + size - len(padded.wire))
    fits = write(BO, None, kind="note", data={"x": data})
    assert len(fits.wire) == size
    assert check(FIRST, fits, author=MEI) == MEI.id
    over = write(BO, None, kind="note", data={"x": data + b"x"})
    with pytest.raises(NotPermitted, match="more credentials"):
        check(FIRST, over, author=MEI)
