"""How somebody comes in, how fast, and what newcomers may not do yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import MemberKey, Signer
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.governance import witness_set
from commonweal.protocol.ledger.members import membership, registry
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import DAY, SAID, Council, process, rules
from tests.protocol.ledger.village import TEXT, Pen, seed

DAYS = 24
WEEK_HOURS = 7 * DAYS


def community(*names: str, **asked: Any) -> Council:
    """Return a council whose votes pass as soon as they can, with these keys of [membership]."""
    governance = {
        "ordinary": process(early=True),
        "constitution": process(threshold="2/3", early=True),
        "membership": process(threshold="2/3", early=True),
    }
    document: Mapping[str, Any] = rules(governance=governance)
    if asked:
        document = {**document, "membership": {**asked, **SAID}}
    return Council(document, *names)


def bring(council: Council, by: str, name: str) -> tuple[Pen, Record]:
    """Let a member invite somebody, who enrols and asks; return their log and the request."""
    invite = council.write(by, "invite.create", {"key": council.invite_key.key, "uses": 1})
    return ask(council, invite, name)


def ask(council: Council, invite: Record, name: str, *rest: Record) -> tuple[Pen, Record]:
    """Let somebody enrol, citing the invite and the rest, and ask under it."""
    pen = council.pens[name] = council.pen(name)
    pen.enrol([invite, *rest])
    asked = pen.request(invite, council.invite_key)
    council.learn()
    return pen, asked


def vouch(council: Council, by: str, asked: Record, name: str) -> Record:
    data = {"member": council.id(name), "request": asked.id}
    written = council.pens[by].write("member.vouch", data, [asked])
    council.learn()
    return written


def status(council: Council, pen: Pen) -> str | None:
    return membership.status_of(council.history.state, pen.key)


def leaves(council: Council, invite: Record) -> None:
    council.write("Jun", "member.leave", {})


def is_removed(council: Council, invite: Record) -> None:
    proposal = council.remove("Mei", "Jun")
    council.cut()
    council.say(proposal, "yes", "Mei Lin")
    council.cut()
    assert council.status(proposal) == "passed"


def loses_the_device(council: Council, invite: Record) -> None:
    jun = council.pens["Jun"]
    council.mei.write("member.profile", {}, [invite], council.records[-1].body)
    council.mei.revoke(jun, len(jun.log) - 1, by=jun.owner)
    council.learn()


def takes_new_keys(council: Council, invite: Record) -> None:
    jun = council.pens["Jun"]
    document = Inception((MemberKey(Signer(seed("new key")).key),), 1, seed("nonce of the new"))
    old = MemberKeys(jun.owner.id, jun.owner.inception.keys, 1, 0)
    data = key_rotation.sign_rekey(jun.owner.signer, old, council.community, document, [])
    council.write("Mei", "member.rekey", data)


@pytest.mark.parametrize("ends", [leaves, is_removed, loses_the_device, takes_new_keys])
def test_an_invite_ends_with_the_membership_and_with_the_device_that_made_it(
    ends: Callable[[Council, Record], None],
) -> None:
    council = community("Jun", "Lin")
    invite = council.pens["Jun"].invite(council.invite_key, uses=9)
    council.learn()
    early, _ = ask(council, invite, "Wei")
    assert status(council, early) == "active"
    council.cut()
    ends(council, invite)
    last = council.write("Mei", "member.profile", {}, TEXT)
    council.cut()
    late, asked = ask(council, invite, "Jun again", last)
    ended = Reason.INVITE_ENDED
    assert status(council, late) == f"refused: {ended}"
    by_hand = vouch(council, "Lin", asked, "Jun again")
    assert council.history.verdict(by_hand.id) == ended
    assert status(council, early) == "active", "who came in by it stays"


def test_the_invites_of_one_who_left_stay_ended_when_they_return() -> None:
    council = community("Jun", "Lin")
    invite = council.pens["Jun"].invite(council.invite_key, uses=9)
    council.learn()
    council.write("Jun", "member.leave", {})
    council.cut()
    again = council.write("Lin", "invite.create", {"key": council.invite_key.key, "uses": 1})
    council.pens["Jun"].request(again, council.invite_key)
    council.learn()
    assert status(council, council.pens["Jun"]) == "active", "who left may come back by an invite"
    late, _ = ask(council, invite, "Wei")
    assert status(council, late) == f"refused: {Reason.INVITE_ENDED}"


def test_who_was_removed_returns_by_the_vouch_of_a_person_and_no_invite() -> None:
    council = community("Jun", "Lin")
    is_removed(council, council.records[0])
    jun = council.pens["Jun"]
    invite = council.write("Lin", "invite.create", {"key": council.invite_key.key, "uses": 1})
    asked = jun.request(invite, council.invite_key)
    council.learn()
    assert status(council, jun) == "removed"
    assert council.history.verdict(asked.id) is None
    vouch(council, "Mei", asked, "Jun")
    assert status(council, jun) == "active"


def test_a_member_brings_in_so_many_a_week_and_for_more_others_vouch() -> None:
    council = community("Jun", "Lin")
    council.cut()
    pens = [bring(council, "Jun", name) for name in ("A", "B", "C", "D")]
    assert [status(council, pen) for pen, _ in pens] == ["active", "active"] + ["requested"] * 2
    (_, _), (_, _), (third, three), (fourth, four) = pens
    own = vouch(council, "Jun", three, "C")
    assert council.history.verdict(own.id) == Reason.GROWTH_REACHED
    by_new = vouch(council, "A", three, "C")
    assert council.history.verdict(by_new.id) == Reason.NO_INVITE_YET
    assert status(council, third) == "requested"
    vouch(council, "Lin", three, "C")
    assert status(council, third) == "active"
    council.cut()
    assert status(council, fourth) == "requested"
    assert membership.pending_requests(council.history.state)[0].id == four.id
    council.write("Mei", "member.profile", {}, TEXT)
    council.cut(WEEK_HOURS + 1)
    fifth, _ = bring(council, "Jun", "E")
    assert status(council, fifth) == "active", "a week later there is room again"


@pytest.mark.parametrize(("percent", "most"), [(0, 1), (20, 1), (30, 2), (40, 4)])
def test_large_communities_grow_by_a_part_of_their_members(percent: int, most: int) -> None:
    names = ("A", "B", "C", "D", "E", "F")
    council = community(*names, growth_per_week=1, growth_percent=percent)
    council.cut()
    pens = [bring(council, "A", f"new {n}")[0] for n in range(most + 2)]
    admitted = [status(council, pen) for pen in pens].count("active")
    assert admitted == most, "of seven, and of each who came in before"


def test_the_founding_circle_is_the_first_members_whom_the_founder_invited() -> None:
    council = community(founding_circle=3, growth_per_week=1, growth_percent=0)
    council.cut()
    pens = [bring(council, "Mei", name)[0] for name in ("A", "B", "C", "D")]
    assert [status(council, pen) for pen in pens] == ["active"] * 3 + ["requested"]
    rows = [registry.member_row(council.history.state, pen.owner.id) for pen in pens[:3]]
    powers = [row is not None and row.powers_ms for row in rows]
    assert powers[:2] == [0, 0], "two, beside the founder, wait for nothing"
    assert powers[2]
    other = community("Jun", founding_circle=9)
    pen, _ = bring(other, "Jun", "A")
    row = registry.member_row(other.history.state, pen.owner.id)
    assert row is not None
    assert row.powers_ms, "a newcomer that a later member invited waits"


def test_an_invite_that_is_past_its_time_by_the_last_seal_admits_nobody() -> None:
    council = community("Jun")
    data = {"key": council.invite_key.key, "uses": 9, "expires": council.now_ms + 2 * DAY}
    invite = council.write("Jun", "invite.create", data)
    council.cut()
    early, _ = ask(council, invite, "A")
    assert status(council, early) == "active"
    council.cut(3 * DAYS)
    late, _ = ask(council, invite, "B")
    assert status(council, late) == f"refused: {Reason.INVITE_EXPIRED}"


def sybils(council: Council, by: str, count: int) -> list[str]:
    """Let a member bring keys of their own, as fast as they can; return their names."""
    names = [f"sybil {number}" for number in range(count)]
    for name in names:
        bring(council, by, name)
    return names


def test_keys_brought_by_one_member_decide_nothing_within_the_delay() -> None:
    council = community("Jun", "Lin")
    council.cut()
    names = sybils(council, "Jun", 8)
    council.cut()
    admitted = [name for name in names if status(council, council.pens[name]) == "active"]
    assert len(admitted) == 2, "the others wait for the vouches of others"
    # A removal: the electorate is who could vote, and was a member before.
    removal = council.remove("Jun", "Mei")
    council.cut()
    votes = council.say(removal, "yes", ["Jun", *admitted])
    early = [council.history.verdict(one.id) for one in votes]
    assert early == [None, *[Reason.NO_VOTE_YET] * len(admitted)]
    # Rules: nobody new proposes or votes.
    own = council.write(
        admitted[0], "rules.propose", {"subject": "removal", "member": council.id("Lin")}
    )
    assert council.history.verdict(own.id) == Reason.NO_VOTE_YET
    change = council.patch("Jun", {"membership": {"vouches": 1, "delay_hours": 0, **SAID}})
    council.say(change, "yes", ["Jun", *admitted])
    # Seats: they offer, and get none.
    for name in admitted:
        council.write(name, "role.claim", {"role": "witness"})
    # Claims: their word for another's contribution counts for nothing.
    done = council.write("Jun", "event", work(council, "Jun"))
    for name in admitted:
        yes = council.write(name, "attest", {"event": done.id, "say": "yes"})
        assert council.history.verdict(yes.id) == Reason.NO_WORD_YET
        no = council.write(name, "dispute", {"event": done.id})
        assert council.history.verdict(no.id) == Reason.NO_WORD_YET
        more = council.write(name, "invite.create", {"key": council.invite_key.key, "uses": 9})
        assert council.history.verdict(more.id) == Reason.NO_INVITE_YET
    council.cut(5 * DAYS)
    assert council.row(removal).electorate == 2
    assert council.status(removal) != "passed"
    assert council.status(change) != "in force"
    assert [one.member for one in witness_set.seated(council.history.final)] == [council.founder.id]
    offered = [one.witness.member for one in witness_set.candidates(council.history.final)]
    assert offered == [council.founder.id]
    assert attestation.attesters(council.history.final, done.id) == (0, 0)
    assert membership.member_of(council.history.final, council.mei.key) == council.founder.id


def work(council: Council, name: str) -> dict[str, Any]:
    quantity = {"n": 1, "scale": 0, "unit": "hour"}
    return {
        "action": "work",
        "provider": council.id(name),
        "receiver": bytes(council.community),
        "effortQuantity": quantity,
    }


def test_a_newcomer_has_the_powers_of_a_member_from_the_day_that_the_rules_said() -> None:
    council = community("Jun", "Lin", delay_hours=48)
    pen, _ = bring(council, "Jun", "Wei")
    council.cut()
    admitted_ms = council.now_ms
    row = registry.member_row(council.history.final, pen.owner.id)
    assert row is not None
    assert row.powers_ms == admitted_ms + 2 * DAY
    first = council.decide("Jun")
    council.cut(46)
    early = council.say(first, "yes", "Wei")[0]
    council.cut()
    assert council.history.verdict(early.id) == Reason.NO_VOTE_YET
    second = council.decide("Jun")
    council.cut()
    assert council.now_ms == row.powers_ms, "at the limit"
    assert council.row(second).electorate == council.row(first).electorate + 1 == 4
    on_time = council.say(second, "yes", "Wei")[0]
    council.cut()
    assert council.history.verdict(on_time.id) is None
    assert council.row(second).yes == 1


def test_a_seal_whose_time_jumped_gives_a_newcomer_no_power() -> None:
    council = community("Jun", "Lin", delay_hours=48)
    bring(council, "Jun", "Wei")
    council.cut()
    decision = council.decide("Jun")
    council.cut()
    early = council.say(decision, "yes", "Wei")[0]
    council.cut(3 * DAYS)
    assert council.history.verdict(early.id) == Reason.NO_VOTE_YET


def test_the_electorate_of_a_removal_are_members_who_came_before_it() -> None:
    council = community("Jun", "Lin", delay_hours=0, growth_per_week=9)
    council.cut()
    removal = council.remove("Lin", "Mei")
    # By a clock before the proposal, and in the same seal.
    invite = council.pens["Jun"].invite(council.invite_key, uses=9)
    council.learn()
    for name in ("A", "B", "C"):
        assert ask(council, invite, name)[1].clock < removal.clock
    decision = council.decide("Jun")
    council.cut()
    assert council.row(removal).electorate == 2
    assert council.row(decision).electorate == 6
