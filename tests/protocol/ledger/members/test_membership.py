"""Who belongs: what admits, what refuses, and what a stranger's record does."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import MemberKey, Signer
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.members.budgets import budget_shares
from commonweal.protocol.ledger.members.registry import FROZEN
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record, RecordId, erasable_body
from commonweal.protocol.vocabulary.rule_params import MembershipRules, RuleParams
from tests.protocol.ledger.village import TEXT, Pen, Person, Village, seed


def test_the_founder_is_a_member_from_the_first_record() -> None:
    village = Village()
    state = village.ledger().state
    assert membership.founder(state) == village.founder.id
    assert membership.member_of(state, village.mei.key) == village.founder.id
    assert membership.device_of_peer(state, village.mei.peer) == village.mei.key
    assert membership.peer_of(state, village.mei.key) == village.mei.peer
    assert [one.status for one in membership.members(state)] == ["active"]
    assert membership.founding_document(state) is not None


def test_an_empty_ledger_knows_nobody() -> None:
    village = Village()
    state = Ledger(village.community).state
    assert membership.founder(state) is None
    assert not membership.members(state)
    assert not membership.devices(state)
    assert not membership.pending_requests(state)
    assert membership.status_of(state, village.mei.key) is None


def test_an_invite_admits_whoever_asks_under_it() -> None:
    village = Village()
    pen = village.pen("Jun")
    invite = village.mei.invite(village.invite_key, uses=2)
    assert membership.status_of(village.ledger().state, pen.key) is None
    pen.enrol([invite])
    assert membership.status_of(village.ledger().state, pen.key) == "new"
    asked = pen.request(invite, village.invite_key)
    state = village.ledger().state
    assert membership.status_of(state, pen.key) == "active"
    assert membership.member_of(state, pen.key) == pen.owner.id
    assert membership.pending_requests(state) == []
    found = membership.invite(state, invite.id)
    assert found is not None
    assert (found.uses, found.used, found.author) == (2, 1, village.founder.id)
    again = village.mei.vouch(asked, pen.owner)
    assert village.ledger().verdict(again.id) == Reason.ALREADY_MEMBER


def test_an_invite_of_one_use_admits_one_and_tells_the_other() -> None:
    village = Village()
    invite = village.mei.invite(village.invite_key)
    asked: list[tuple[Pen, Record]] = []
    for name in ("Jun", "Lin"):
        pen = village.pen(name)
        pen.enrol([invite])
        asked.append((pen, pen.request(invite, village.invite_key)))
    asked.sort(key=lambda one: (one[1].clock, one[1].id))
    (first, _), (second, request) = asked
    vouched = village.mei.vouch(request, second.owner)
    for records in (village.records, village.records[::-1]):
        ledger = village.ledger(records)
        assert ledger.verdict(vouched.id) == "invite used"
        assert membership.status_of(ledger.state, first.key) == "active"
        assert membership.status_of(ledger.state, second.key) == "refused: invite used"
        assert membership.pending_requests(ledger.state) == []


def test_where_fewer_are_members_than_must_vouch_it_is_enough_that_all_do() -> None:
    village = Village()
    invite = village.mei.invite(village.invite_key, uses=3)

    def status(pen: Pen) -> str | None:
        ledger = Ledger(village.community, rules=RuleParams(membership=MembershipRules(vouches=3)))
        ledger.add(village.records)
        return membership.status_of(ledger.state, pen.key)

    pens: list[tuple[Pen, Record]] = []
    for name in ("Jun", "Lin", "Wen"):
        pen = village.pen(name)
        pen.enrol([invite, village.records[-1]])
        pens.append((pen, pen.request(invite, village.invite_key)))
    (jun, _), (lin, two), (wen, three) = pens
    assert status(jun) == "active", "the founder, whose invite it is, is the only one who can"
    assert status(lin) == "requested"
    jun.write("member.profile", {}, [three], TEXT)
    jun.vouch(two, lin.owner)
    assert status(lin) == "active"
    jun.vouch(three, wen.owner)
    assert status(wen) == "requested"
    lin.write("member.profile", {}, [jun.log[-1]], TEXT)
    lin.vouch(three, wen.owner)
    assert status(wen) == "active", "three are as many as the rules ask"


def test_what_a_newcomer_writes_before_his_admission_counts_for_nothing() -> None:
    village = Village()
    pen = village.pen("Jun")
    invite = village.mei.invite(village.invite_key)
    pen.enrol([invite])
    early = pen.write("invite.create", {"key": seed("k"), "uses": 1})
    assert village.ledger().verdict(early.id) == Reason.NOT_A_MEMBER
    stranger = village.pen("Wei").write("invite.create", {"key": seed("k"), "uses": 1})
    assert village.ledger().verdict(stranger.id) == Reason.NOT_ENROLLED


def test_a_second_device_of_a_member_counts_at_once() -> None:
    village = Village()
    jun = village.join("Jun")
    second = village.pen("Jun", 1)
    enrolled = second.enrol([jun.log[-1]], is_new=False)
    ledger = village.ledger()
    assert ledger.verdict(enrolled.id) is None
    assert membership.member_of(ledger.state, second.key) == jun.owner.id
    assert {one.key for one in membership.devices(ledger.state, jun.owner.id)} == {
        jun.key,
        second.key,
    }
    assert len(membership.devices(ledger.state)) == 3


def test_a_member_cannot_enrol_a_device_with_the_peer_key_of_another() -> None:
    village = Village()
    jun, wei = village.join("Jun"), village.join("Wei")
    for number, proof in enumerate((jun.log[0].data["proof"], wei.log[0].data["proof"], None)):
        thief = village.pen("Wei", 1 + number)
        refused = thief.enrol([wei.log[-1]], is_new=False, peer=jun.peer, **_given(proof))
        ledger = village.ledger()
        assert ledger.verdict(refused.id) == Reason.NOT_BY_PEER
        assert membership.peer_of(ledger.state, thief.key) is None
        assert membership.device_of_peer(ledger.state, jun.peer) == jun.key


def _given(proof: bytes | None) -> dict[str, Any]:
    return {} if proof is None else {"proof": proof}


def test_of_two_devices_of_one_host_the_active_and_first_is_meant() -> None:
    village = Village()
    jun = village.join("Jun")
    thief = village.pen("Wei")
    thief.host, thief.peer = jun.host, jun.peer
    thief.enrol()
    state = village.ledger().state
    assert thief.log[0].clock <= jun.log[0].clock
    assert membership.device_of_peer(state, jun.peer) == jun.key
    assert membership.peer_of(state, thief.key) == jun.peer
    assert membership.peer_of(state, village.pen("Lin").key) is None


def test_who_left_writes_no_more_and_may_ask_again() -> None:
    village = Village()
    jun = village.join("Jun")
    left = jun.write("member.leave")
    late = jun.write("invite.create", {"key": seed("k"), "uses": 1})
    ledger = village.ledger()
    assert ledger.verdict(left.id) is None
    assert ledger.verdict(late.id) == Reason.NOT_A_MEMBER
    assert membership.status_of(ledger.state, jun.key) == "left"
    invite = village.mei.invite(village.invite_key)
    jun.request(invite, village.invite_key)
    assert membership.status_of(village.ledger().state, jun.key) == "active"


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"inception": b"junk"}, Reason.SHAPE),
        ({"member": Person("Lin").id}, Reason.WRONG_INCEPTION),
        ({"member": b"short"}, Reason.SHAPE),
        ({"member": 7}, Reason.SHAPE),
        ({"peer": "text"}, Reason.SHAPE),
        ({"peer": bytes(32)}, Reason.NOT_BY_PEER),
        ({"peer": Person("Jun").signer.key}, Reason.NOT_BY_PEER),
        ({"proof": bytes(63)}, Reason.SHAPE),
        ({"proof": "text"}, Reason.SHAPE),
        ({"proof": bytes(64)}, Reason.NOT_BY_PEER),
        ({"signatures": []}, Reason.SHAPE),
        ({"signatures": [[b"", b""]]}, Reason.NOT_SIGNED),
        ({"signatures": {"a": 1}}, Reason.SHAPE),
        ({"signatures": [[Person("Jun").signer.key, bytes(64)]]}, Reason.NOT_SIGNED),
    ],
)
def test_a_false_enrolment_is_refused(over: dict[str, Any], reason: Reason) -> None:
    village = Village()
    pen = village.pen("Jun")
    record = pen.enrol(**over)
    assert village.ledger().verdict(record.id) == reason
    assert membership.status_of(village.ledger().state, pen.key) is None


def test_an_unknown_member_needs_his_inception_document() -> None:
    village = Village()
    record = village.pen("Jun").enrol(is_new=False)
    assert village.ledger().verdict(record.id) == Reason.UNKNOWN_MEMBER


def test_a_request_without_the_invites_key_is_refused() -> None:
    village = Village()
    pen = village.pen("Jun")
    invite = village.mei.invite(village.invite_key)
    pen.enrol([invite])
    forged = pen.request(invite, Signer(seed("another")))
    uncited = pen.write("member.request", {"invite": seed("x"), "proof": bytes(64)})
    ledger = village.ledger()
    assert ledger.verdict(forged.id) == Reason.NOT_BY_INVITE
    assert ledger.verdict(uncited.id) == Reason.NOT_CITED
    assert membership.pending_requests(ledger.state) == []


def test_only_its_author_and_the_founder_revoke_an_invite() -> None:
    village = Village()
    jun, lin = village.join("Jun"), village.join("Lin")
    invite = jun.invite(village.invite_key, uses=2)
    by_lin = lin.write("invite.revoke", {"invite": invite.id}, [invite])
    ledger = village.ledger()
    assert ledger.verdict(by_lin.id) == Reason.NOT_YOURS
    pen = village.pen("Wei")
    pen.enrol([invite])
    pen.request(invite, village.invite_key)
    assert membership.status_of(village.ledger().state, pen.key) == "active"
    revoked = village.mei.write("invite.revoke", {"invite": invite.id}, [invite])
    pen = village.pen("Yu")
    pen.enrol([revoked])
    asked = pen.request(invite, village.invite_key)
    vouched = village.mei.vouch(asked, pen.owner)
    ledger = village.ledger()
    assert ledger.verdict(revoked.id) is None
    assert ledger.verdict(vouched.id) == Reason.INVITE_REVOKED
    assert membership.status_of(ledger.state, pen.key) == "refused: invite revoked"


def test_what_lies_above_the_last_good_record_of_a_revoked_device_is_void() -> None:
    village = Village()
    jun = village.join("Jun")
    last = len(jun.log) - 1
    stolen = [jun.write("invite.create", {"key": seed(n), "uses": 1}) for n in range(3)]
    assert all(village.ledger().verdict(record.id) is None for record in stolen)
    second = village.pen("Jun", 1)
    second.enrol([jun.log[last]], is_new=False)
    revoked = second.revoke(jun, last)
    ledger = village.ledger()
    assert ledger.verdict(revoked.id) is None
    for record in stolen:
        assert ledger.verdict(record.id) == Reason.DEVICE_REVOKED
        assert membership.invite(ledger.state, record.id) is None
    assert ledger.verdict(jun.log[last].id) is None
    assert membership.status_of(ledger.state, jun.key) == "revoked"
    assert membership.member_of(ledger.state, jun.key) is None
    assert membership.member_of(ledger.state, second.key) == jun.owner.id


def test_nobody_revokes_the_device_of_another() -> None:
    village = Village()
    jun, lin = village.join("Jun"), village.join("Lin")
    false = lin.revoke(jun, 0, by=lin.owner)
    assert village.ledger().verdict(false.id) == Reason.NOT_SIGNED
    assert membership.status_of(village.ledger().state, jun.key) == "active"


def test_a_device_that_revokes_itself_into_the_past_does_so() -> None:
    village = Village()
    jun = village.join("Jun")
    jun.write("invite.create", {"key": seed("k"), "uses": 1})
    revoked = jun.revoke(jun, 1)
    ledger = village.ledger()
    assert ledger.verdict(revoked.id) is None, "the member's keys speak, whoever carries their word"
    assert ledger.verdict(jun.log[2].id) == Reason.DEVICE_REVOKED


def test_a_proof_voids_its_log_from_there_on() -> None:
    village = Village()
    jun = village.join("Jun")
    ledger = village.ledger()
    assert ledger.verdict(jun.log[-1].id) is None
    ledger.freeze(jun.key, 2)
    assert ledger.verdict(jun.log[-1].id) == Reason.LOG_FROZEN
    assert ledger.verdict(jun.log[1].id) is None
    assert ledger.state.get(FROZEN + jun.key) == 2


def test_new_keys_take_over_and_the_old_ones_speak_no_more() -> None:
    village = Village()
    jun = village.join("Jun")
    new = Signer(seed("new key"))
    document = Inception((MemberKey(new.key),), 1, seed("nonce of the new"))

    def rekey(signer: Signer, number: int) -> Record:
        old = MemberKeys(jun.owner.id, jun.owner.inception.keys, 1, number - 1)
        data = key_rotation.sign_rekey(signer, old, village.community, document, [jun.key])
        return jun.write("member.rekey", data)

    wrong = rekey(new, 1)
    good = rekey(jun.owner.signer, 1)
    again = rekey(jun.owner.signer, 2)
    second = village.pen("Jun", 1)
    enrolled = second.enrol([again], is_new=False)
    ledger = village.ledger()
    assert ledger.verdict(wrong.id) == Reason.NOT_SIGNED
    assert ledger.verdict(good.id) is None
    assert ledger.verdict(again.id) == Reason.NOT_SIGNED
    assert ledger.verdict(enrolled.id) == Reason.NOT_SIGNED
    found = membership.member(ledger.state, jun.owner.id)
    assert found is not None
    assert found.keys == (MemberKey(new.key),)


def test_a_profile_before_the_admission_leaves_a_member_nameless() -> None:
    village = Village()
    pen = village.pen("Jun")
    invite = village.mei.invite(village.invite_key)
    enrolled = pen.enrol([invite])
    early = pen.write("member.profile", {}, [enrolled], TEXT)
    assert membership.nameless(village.ledger().state) == (village.founder.id,)
    pen.request(invite, village.invite_key)
    ledger = village.ledger()
    assert ledger.verdict(early.id) == Reason.NOT_A_MEMBER
    assert set(membership.nameless(ledger.state)) == {village.founder.id, pen.owner.id}
    late = pen.write("member.profile", {}, [early], TEXT)
    ledger = village.ledger()
    assert ledger.verdict(late.id) is None
    assert membership.nameless(ledger.state) == (village.founder.id,)


def test_a_profile_names_the_record_whose_body_has_the_name() -> None:
    village = Village()
    body = erasable_body(bytes(16), "text/plain", "梅".encode())[1]
    record = village.mei.write("member.profile", {}, body=body)
    found = membership.member(village.ledger().state, village.founder.id)
    assert found is not None
    assert found.profile == record.id
    bare = village.mei.write("member.profile", {})
    assert village.ledger().verdict(bare.id) == Reason.SHAPE


def test_unknown_and_reserved_kinds_count_for_nothing_and_say_so() -> None:
    village = Village()
    unknown = village.mei.write("weather.report")
    reserved = village.mei.write("fork.proof")
    ledger = village.ledger()
    assert ledger.verdict(unknown.id) == Reason.UNKNOWN_KIND
    assert ledger.verdict(reserved.id) == Reason.RESERVED_KIND
    assert ledger.verdict(RecordId(seed("nothing"))) == Reason.NOT_HELD


def test_the_shares_of_budgets_are_read_without_looking_up_each_member() -> None:
    village = Village()
    pen = village.join("Jun")
    state = village.ledger().state
    with patch.object(State, "get", side_effect=AssertionError("looks up each member")):
        assert budget_shares(state) == {village.mei.key: 1, pen.key: 1}
