"""What is refused, kind by kind, each with its reason; and refused, it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.deals.agreement_row import in_force
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import agents, enrolment, membership
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records import record
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.vocabulary.rule_params import MembershipRules, RuleParams
from tests.protocol.ledger.bakery import Bakery, effort
from tests.protocol.ledger.scenes import quantity
from tests.protocol.ledger.village import DOCUMENT, Pen, Person, Village, seed

ID = bytes(32)


def work(bakery: Bakery, **more: Any) -> dict[str, Any]:
    return {"action": "work", "provider": bakery.jun.owner.id} | effort(8) | more


OFFER = {"purpose": "offer", "publishes": [ID]}
SHAPES: list[tuple[str, dict[str, Any], Reason]] = [
    ("device.revoke", {}, Reason.SHAPE),
    ("device.revoke", {"device": ID, "seq": 0, "id": ID}, Reason.UNKNOWN_DEVICE),
    ("device.enrol", {"member": ID}, Reason.NOT_FIRST),
    ("invite.create", {"key": ID, "uses": 0}, Reason.SHAPE),
    ("invite.create", {"key": ID, "uses": True}, Reason.SHAPE),
    ("invite.create", {"key": ID, "uses": 1001}, Reason.SHAPE),
    ("invite.create", {"key": ID, "uses": 1, "expires": -1}, Reason.SHAPE),
    ("invite.revoke", {}, Reason.SHAPE),
    ("invite.revoke", {"invite": ID}, Reason.NOT_CITED),
    ("member.request", {"invite": ID}, Reason.SHAPE),
    ("member.request", {"invite": ID, "proof": bytes(64)}, Reason.NOT_CITED),
    ("member.vouch", {"member": ID}, Reason.SHAPE),
    ("member.vouch", {"member": ID, "request": ID}, Reason.NOT_CITED),
    ("member.rekey", {"inception": b"x"}, Reason.SHAPE),
    ("member.rekey", {"inception": Person("x").inception.to_bytes()}, Reason.NOT_SIGNED),
    ("role.claim", {"role": 7}, Reason.SHAPE),
    ("role.endorse", {"role": "producer"}, Reason.SHAPE),
    ("role.endorse", {"role": "king", "member": ID}, Reason.UNKNOWN_ROLE),
    ("role.resign", {}, Reason.SHAPE),
    ("agent.claim", {"agent": ID}, Reason.SHAPE),
    ("referral", {"referrer": b""}, Reason.SHAPE),
    ("attest", {"event": ID, "say": "yes", "corrections": -1}, Reason.SHAPE),
    ("attest", {"event": ID, "say": ["yes"]}, Reason.SHAPE),
    ("attest", {"event": ID, "say": "yes"}, Reason.UNKNOWN_EVENT),
    ("dispute", {"event": ID, "say": 1}, Reason.SHAPE),
    ("dispute", {"event": ID}, Reason.UNKNOWN_EVENT),
    ("intent.pause", {"intent": ID, "paused": 1}, Reason.SHAPE),
    ("intent.pause", {"paused": True}, Reason.SHAPE),
    ("intent.pause", {"intent": ID, "paused": True}, Reason.UNKNOWN_PLAN),
    ("intent.withdraw", {}, Reason.SHAPE),
    ("intent.withdraw", {"intent": ID}, Reason.UNKNOWN_PLAN),
    ("proposal.offer", {"publishes": [ID]}, Reason.SHAPE),
    ("proposal.offer", {"purpose": "gift", "publishes": [ID]}, Reason.SHAPE),
    ("proposal.offer", OFFER | {"publishes": []}, Reason.SHAPE),
    ("proposal.offer", OFFER | {"publishes": [ID, ID]}, Reason.SHAPE),
    ("proposal.offer", OFFER | {"reciprocal": [ID]}, Reason.SHAPE),
    ("proposal.offer", OFFER | {"unitBased": 1}, Reason.SHAPE),
    ("proposal.offer", OFFER | {"hasBeginning": 5, "hasEnd": 5}, Reason.SHAPE),
    ("proposal.offer", OFFER | {"proposedTo": ["producer", "producer"]}, Reason.SHAPE),
    ("proposal.offer", OFFER | {"proposedTo": ["king"]}, Reason.UNKNOWN_ROLE),
    ("proposal.offer", OFFER | {"proposedTo": [ID]}, Reason.UNKNOWN_AGENT),
    ("proposal.offer", OFFER, Reason.UNKNOWN_PLAN),
    ("proposal.withdraw", {}, Reason.SHAPE),
    ("proposal.withdraw", {"offer": ID}, Reason.UNKNOWN_PLAN),
    ("agreement", {}, Reason.SHAPE),
    ("agreement", {"stipulates": "x"}, Reason.SHAPE),
    ("agreement", {"stipulates": [ID], "stipulatesReciprocal": [ID]}, Reason.SHAPE),
    ("agreement", {"stipulates": [ID], "answerBy": -1}, Reason.SHAPE),
    ("agreement", {"stipulates": [ID]}, Reason.UNKNOWN_PLAN),
    ("agreement.sign", {"say": "yes"}, Reason.SHAPE),
    ("agreement.sign", {"agreement": ID}, Reason.SHAPE),
    ("agreement.sign", {"agreement": ID, "say": "perhaps"}, Reason.SHAPE),
    ("agreement.sign", {"agreement": ID, "say": "yes"}, Reason.UNKNOWN_PLAN),
    ("agreement.end", {"agreement": ID, "why": "bored"}, Reason.SHAPE),
    ("agreement.end", {"agreement": ID, "why": "done"}, Reason.UNKNOWN_PLAN),
    ("agreement.comment", {"agreement": ID}, Reason.SHAPE),
]


@pytest.mark.parametrize(("kind", "data", "reason"), SHAPES)
def test_a_record_of_the_wrong_form_counts_for_nothing(
    kind: str, data: dict[str, Any], reason: Reason
) -> None:
    bakery = Bakery()
    before = bakery.ledger().state.to_bytes()
    refused = bakery.jun.write(kind, data, [bakery.book])
    assert bakery.verdict(refused) == reason
    assert bakery.ledger().state.to_bytes() == before


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"provider": None}, Reason.ONE_SIDE),
        (effort(1, "furlong"), Reason.UNKNOWN_UNIT),
        ({"effortQuantity": None}, Reason.NO_EFFORT),
        ({"resourceConformsTo": 1}, Reason.SHAPE),
        (effort(0), Reason.NO_EFFORT),
        ({"resourceConformsTo": ID}, Reason.UNKNOWN_SPEC),
        ({"resourceInventoriedAs": 1}, Reason.SHAPE),
        ({"resourceInventoriedAs": ID}, Reason.UNKNOWN_RESOURCE),
        ({"hasBeginning": -1}, Reason.SHAPE),
        ({"hasBeginning": 5, "hasEnd": 5}, Reason.SHAPE),
        ({"hasBeginning": 5, "hasEnd": 4}, Reason.SHAPE),
        ({"hasBeginning": 5, "hasEnd": 6}, None),
        ({"inScopeOf": " "}, Reason.SHAPE),
        ({"minimumQuantity": 3}, Reason.SHAPE),
        ({"minimumQuantity": quantity(0, "hour")}, Reason.SHAPE),
        ({"minimumQuantity": quantity(1, "day")}, Reason.WRONG_UNIT),
        ({"minimumQuantity": quantity(9, "hour")}, Reason.UNDER_MINIMUM),
        ({"minimumQuantity": quantity(8, "hour")}, None),
        ({"availableQuantity": quantity(0, "hour")}, Reason.SHAPE),
        ({"availableQuantity": quantity(1, "day")}, Reason.WRONG_UNIT),
        ({"resourceClassifiedAs": []}, Reason.SHAPE),
        ({"resourceClassifiedAs": ["b", "a"]}, Reason.SHAPE),
        ({"resourceClassifiedAs": ["BIKE", "bike"]}, Reason.SHAPE),
        ({"resourceClassifiedAs": [f"tag {n}" for n in range(9)]}, Reason.SHAPE),
        ({"resourceClassifiedAs": [f"tag {n}" for n in range(8)]}, None),
        ({"replaces": ID}, Reason.UNKNOWN_PLAN),
        ({"replaces": "x"}, Reason.SHAPE),
    ],
)
def test_a_plan_of_the_wrong_form_counts_for_nothing(more: dict[str, Any], reason: Reason) -> None:
    bakery = Bakery()
    refused = bakery.jun.write("intent", work(bakery, **more), [bakery.book])
    assert bakery.verdict(refused) == reason


def test_a_commitment_satisfies_only_an_intent_of_its_action_and_unit() -> None:
    bakery = Bakery()
    intent = bakery.jun.write("intent", work(bakery), [bakery.book])
    both = {"receiver": bakery.lin.owner.id}
    one = intent
    for more, reason in (
        ({"satisfies": [ID]}, Reason.UNKNOWN_PLAN),
        ({"satisfies": [intent.id]} | effort(1, "day"), Reason.DOES_NOT_FIT),
        ({"satisfies": [intent.id], "action": "use"}, Reason.DOES_NOT_FIT),
        ({"satisfies": [intent.id], "action": "consume"}, Reason.NO_QUANTITY),
        ({"satisfies": [intent.id]} | effort(9), Reason.INTENT_TAKEN),
        ({"satisfies": intent.id}, Reason.SHAPE),
        ({"satisfies": [intent.id] * 2}, Reason.SHAPE),
        ({"satisfies": [intent.id]}, None),
    ):
        one = bakery.jun.write("commitment", work(bakery, **both, **more))
        assert bakery.verdict(one) == reason
    by_mei = bakery.mei.write("agreement", {"stipulates": [one.id]}, [one])
    assert bakery.verdict(by_mei) == Reason.NOT_YOURS
    assert not in_force(bakery.ledger().state, by_mei.id)


def test_nobody_says_the_same_of_a_claim_twice() -> None:
    bakery = Bakery()
    claim = bakery.jun.write("agent.claim", {"agent": bytes(16)}, [bakery.book])
    for word, reason in (("no", None), ("no", Reason.NOTHING_NEW), ("yes", None)):
        said = bakery.lin.write("attest", {"event": claim.id, "say": word}, [claim])
        assert bakery.verdict(said) == reason
    assert agents.person(bakery.ledger().state, bytes(16)) == bakery.jun.owner.id


@pytest.mark.parametrize(
    ("over", "body", "reason"),
    [
        ({}, None, Reason.NO_DOCUMENT),
        ({}, record.erasable_body(bytes(16), "text/plain", b"x")[1], Reason.NO_DOCUMENT),
        ({"nonce": b""}, DOCUMENT, Reason.SHAPE),
        ({"inception": 1}, DOCUMENT, Reason.SHAPE),
        ({"nonce": bytes(32)}, DOCUMENT, Reason.NOT_BY_PEER),
        ({"peer": bytes(32)}, DOCUMENT, Reason.NOT_BY_PEER),
        ({"proof": bytes(64)}, DOCUMENT, Reason.NOT_BY_PEER),
        ({"signatures": [[bytes(32), bytes(64)]]}, DOCUMENT, Reason.NOT_SIGNED),
    ],
)
def test_a_false_founding_founds_nothing(over: dict[str, Any], body: Any, reason: Reason) -> None:
    village = Village()
    pen = Pen(village, village.founder)
    founding = pen.write(record.FOUND, village.founding() | over, body=body)
    ledger = Ledger(CommunityId(founding.id))
    ledger.add([founding])
    assert ledger.verdict(founding.id) == reason
    assert membership.founder(ledger.state) is None


def test_the_founding_of_another_community_counts_for_nothing() -> None:
    village = Village()
    ledger = Ledger(CommunityId(seed("another")))
    ledger.add(village.records)
    assert ledger.verdict(village.records[0].id) == Reason.NOT_FOUNDING
    assert membership.members(ledger.state) == []


def test_a_revoked_device_is_revoked_above_a_cut_too() -> None:
    village = Village()
    jun = village.join("Jun")
    invite = village.mei.invite(village.invite_key)
    good = len(jun.log) - 1
    village.mei.revoke(jun, good, by=jun.owner)
    below = village.ledger()
    late = [jun.write("member.leave"), jun.request(invite, village.invite_key)]
    above = Ledger(village.community, base=below.state)
    above.add(late)
    assert [above.verdict(one.id) for one in late] == [Reason.DEVICE_REVOKED] * 2


def test_of_two_revocations_the_earlier_end_holds() -> None:
    village = Village()
    jun = village.join("Jun")
    first = village.mei.revoke(jun, 1, by=jun.owner)
    later = village.mei.revoke(jun, 2, by=jun.owner)
    earlier = village.mei.revoke(jun, 0, by=jun.owner)
    ledger = village.ledger()
    assert ledger.verdict(first.id) is ledger.verdict(earlier.id) is None
    assert ledger.verdict(later.id) == Reason.ALREADY_REVOKED
    assert ledger.verdict(jun.log[0].id) is None
    assert ledger.verdict(jun.log[1].id) == Reason.DEVICE_REVOKED


def test_a_device_is_revoked_only_so_often() -> None:
    village = Village()
    jun = village.join("Jun")
    for number in range(6):
        jun.write("invite.create", {"key": seed(number), "uses": 1})
    last = len(jun.log) - 1
    revoked = [village.mei.revoke(jun, last - number, by=jun.owner) for number in range(6)]
    ledger = village.ledger()
    verdicts = [ledger.verdict(one.id) for one in revoked]
    often = enrolment.REVOCATIONS_PER_DEVICE_MAX
    assert verdicts == [None] * often + [Reason.ALREADY_REVOKED] * (6 - often)


TWO = RuleParams(membership=MembershipRules(vouches=2))


def newcomer(village: Village) -> tuple[Pen, Record, Record]:
    pen = village.pen("Wei")
    invite = village.mei.invite(village.invite_key, uses=3)
    pen.enrol([invite])
    return pen, invite, pen.request(invite, village.invite_key)


def test_an_invite_is_taken_back_once() -> None:
    village = Village()
    invite = village.mei.invite(village.invite_key)
    filler = village.mei.invite(village.invite_key)
    taken = [village.mei.write("invite.revoke", {"invite": invite.id}, [invite]) for _ in range(2)]
    unknown = village.mei.write("invite.revoke", {"invite": taken[0].id}, [taken[0]])
    assert village.ledger().verdict(filler.id) is None
    assert village.ledger().verdict(taken[0].id) is None
    assert village.ledger().verdict(taken[1].id) == Reason.ALREADY_REVOKED
    assert village.ledger().verdict(unknown.id) == Reason.UNKNOWN_INVITE


def test_a_request_stands_once_and_needs_an_enrolled_device_and_a_known_invite() -> None:
    village = Village()
    village.join("Lin")
    pen, invite, asked = newcomer(village)
    again = pen.request(invite, village.invite_key)
    assert village.ledger(rules=TWO).verdict(asked.id) is None
    assert village.ledger(rules=TWO).verdict(again.id) == Reason.ALREADY_REQUESTED
    no_invite = pen.request(asked, village.invite_key)
    assert village.ledger(rules=TWO).verdict(no_invite.id) == Reason.UNKNOWN_INVITE
    stranger = village.pen("Bo").request(invite, village.invite_key)
    assert village.ledger().verdict(stranger.id) == Reason.NOT_ENROLLED
    member = village.join("Jun")
    more = member.request(invite, village.invite_key)
    assert village.ledger().verdict(more.id) == Reason.ALREADY_MEMBER


def test_a_vouch_is_for_a_known_request_of_that_member() -> None:
    village = Village()
    lin = village.join("Lin")
    pen, invite, asked = newcomer(village)
    data = {"member": pen.owner.id, "request": invite.id}
    wrong = village.mei.write("member.vouch", data, [invite, asked])
    other = village.mei.vouch(asked, village.founder)
    good = lin.vouch(asked, pen.owner)
    ledger = village.ledger(rules=TWO)
    assert ledger.verdict(wrong.id) == ledger.verdict(other.id) == Reason.UNKNOWN_REQUEST
    assert ledger.verdict(good.id) is None


def test_a_member_has_only_so_many_devices() -> None:
    village = Village()
    enrolled = [
        village.pen("Mei", number).enrol([village.records[0]], is_new=False)
        for number in range(1, enrolment.DEVICES_PER_MEMBER_MAX + 1)
    ]
    ledger = village.ledger()
    verdicts = [ledger.verdict(one.id) for one in enrolled]
    assert verdicts.count(Reason.TOO_MANY_DEVICES) == 1
    assert verdicts.count(None) == enrolment.DEVICES_PER_MEMBER_MAX - 1


def test_a_chain_of_referrals_ends_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "REFERRAL_DEPTH_MAX", 1)
    bakery = Bakery()
    refer: list[Record] = []
    for pen, to in ((bakery.jun, bakery.mei), (bakery.lin, bakery.jun)):
        refer.append(pen.write("referral", {"referrer": to.owner.id}, [bakery.book, *refer]))
    assert [bakery.verdict(one) for one in refer] == [None, Reason.CIRCLE]
