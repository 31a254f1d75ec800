"""The first records of a log: accepted by the ledger, the same for the same input."""

from __future__ import annotations

import pytest

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.identity import inception_from_entropy, member_signer
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import DeviceKey, PeerKey, Signer
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records import log, record
from commonweal.protocol.records.log import Tip, next_position
from commonweal.protocol.records.record import CommunityId, Record, RecordDraft, RecordId

NOW_MS = 1_764_000_000_000


class Who:
    """A member with one device, from two bytes."""

    def __init__(self, number: int) -> None:
        entropy, seed = bytes([number]) * 32, bytes([number + 100]) * 32
        self.inception = inception_from_entropy(entropy)
        self.member = member_signer(entropy)
        self.device = keys.device_signer(seed)
        self.host = keys.peer_signer(seed)
        self.peer = PeerKey(self.host.key)

    def founds(self, name: str = "Garden") -> founding.RecordWithBody:
        return founding.found(
            self.member, self.inception, self.device, self.host, b"n" * 32, name, NOW_MS
        )


ANN, BO = Who(1), Who(2)
FIRST = ANN.founds().record
COMMUNITY = CommunityId(FIRST.id)


def invited() -> tuple[Record, Invite]:
    """Ann's invite, the second record of Ann's log."""
    key = Signer(b"i" * 32)
    place = next_position(COMMUNITY, founding.tip_after(FIRST), RecordId(COMMUNITY), (), 1)
    made = record.sign(
        ANN.device, place, RecordDraft("invite.create", {"key": key.key, "uses": 1}, NOW_MS)
    )
    return made, Invite(made.id, made.clock, b"i" * 32)


def test_a_founding_record_makes_its_author_the_founder() -> None:
    ledger = Ledger(COMMUNITY)
    ledger.add([FIRST])
    assert ledger.verdict(FIRST.id) is None
    assert membership.founder(ledger.state) == ANN.inception.member
    assert log.is_signed(FIRST)
    log.read_run(COMMUNITY, DeviceKey(ANN.device.key), Tip(), [FIRST.wire], lambda _: None)


def test_the_name_is_a_permanent_document() -> None:
    written = ANN.founds("花园")
    assert codec.decode(written.body) == {"name": "花园"}
    assert written.record.body is not None
    assert written.record.body.permanent
    assert record.is_body(written.record.body, written.body)


def test_the_same_input_gives_the_same_community() -> None:
    assert ANN.founds() == ANN.founds()
    assert ANN.founds().record.id != ANN.founds("Other").record.id
    assert ANN.founds().record.id != BO.founds().record.id


def test_a_name_has_its_limit() -> None:
    with pytest.raises(InvalidRecord):
        ANN.founds("x" * (record.PERMANENT_BYTES_MAX + 1))


def test_a_newcomers_two_records_are_a_request() -> None:
    made, invite = invited()
    first = founding.enrol(BO.member, BO.inception, BO.device, BO.host, COMMUNITY, NOW_MS)
    tip = founding.tip_after(first)
    asked = founding.request(BO.device, BO.inception, COMMUNITY, tip, invite, NOW_MS)
    clocks = {FIRST.id: FIRST.clock, made.id: made.clock}
    author = DeviceKey(BO.device.key)
    log.read_run(COMMUNITY, author, Tip(), [first.wire, asked.wire], clocks.get)
    ledger = Ledger(COMMUNITY)
    ledger.add([asked, first, made, FIRST])
    assert [ledger.verdict(one.id) for one in (first, asked)] == [None, None]
    assert membership.member_of(ledger.state, author) == BO.inception.member
    assert not membership.pending_requests(ledger.state)


def test_a_request_needs_the_key_of_the_invite() -> None:
    made, invite = invited()
    first = founding.enrol(BO.member, BO.inception, BO.device, BO.host, COMMUNITY, NOW_MS)
    other = Invite(invite.id, invite.clock, b"j" * 32)
    asked = founding.request(
        BO.device, BO.inception, COMMUNITY, founding.tip_after(first), other, NOW_MS
    )
    ledger = Ledger(COMMUNITY)
    ledger.add([FIRST, made, first, asked])
    assert ledger.verdict(asked.id) is not None


def test_a_profile_says_the_name_and_can_be_erased() -> None:
    tip = founding.tip_after(FIRST)
    written = founding.profile(ANN.device, COMMUNITY, tip, "安", b"s" * 16, NOW_MS)
    assert record.read_erasable_body(written.body) == ("text/plain", "安".encode())
    assert written.record.body is not None
    assert not written.record.body.permanent
    ledger = Ledger(COMMUNITY)
    ledger.add([FIRST, written.record])
    found = membership.member(ledger.state, ANN.inception.member)
    assert found is not None
    assert found.profile == written.record.id
