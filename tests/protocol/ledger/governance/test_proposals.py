"""Votes: what passes, what fails, what waits, and who counts."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.governance import active_ruleset, proposals
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.document import Ruleset
from tests.protocol.ledger.council import HOUR, SAID, Council, process, rules

FIVE = ("Jun", "Ana", "Bo", "Lin")
VOUCHES = {"membership": {"vouches": 1, **SAID}}


@pytest.mark.parametrize(
    ("yes", "no", "hours", "status"),
    [
        ("Mei Jun Ana", "", 25, "in force"),
        ("Mei Jun Ana", "Bo Lin", 25, "in force"),
        ("Mei Jun", "", 25, "failed"),
        ("Mei Jun", "Ana Bo Lin", 25, "failed"),
        ("", "", 25, "failed"),
        ("Mei Jun Ana Bo Lin", "", 23, "open"),
        ("Mei Jun Ana", "", 24, "in force"),
    ],
)
def test_yes_counts_against_the_electorate(yes: str, no: str, hours: int, status: str) -> None:
    council = Council(rules(), *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    council.say(proposal, "yes", yes)
    council.say(proposal, "no", no)
    council.cut(hours)
    assert council.status(proposal) == status
    assert (council.history.ruleset.joining.vouches == 1) is (status == "in force")


@pytest.mark.parametrize(
    ("threshold", "yes", "passes"),
    [
        ("2/3", "Mei Jun Ana Bo", True),
        ("2/3", "Mei Jun Ana", False),
        (">2/3", "Mei Jun Ana Bo", False),
        ("1/2", "Mei Jun Ana", True),
        (">1/2", "Mei Jun Ana", False),
        ("100%", "Mei Jun Ana Bo Lin Ted", True),
        ("100%", "Mei Jun Ana Bo Lin", False),
        ("66.7%", "Mei Jun Ana Bo", False),
    ],
)
def test_the_exact_threshold_of_six(threshold: str, yes: str, passes: bool) -> None:
    document = rules()
    document["governance"]["membership"] = process(threshold=threshold)
    council = Council(document, *FIVE, "Ted")
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    council.say(proposal, "yes", yes)
    council.cut(25)
    assert council.status(proposal) == ("in force" if passes else "failed")


@pytest.mark.parametrize(
    ("over", "votes", "hours", "status"),
    [
        ({"quorum": "60%"}, {"yes": "Mei Jun"}, 25, "expired"),
        ({"quorum": "60%"}, {"yes": "Mei Jun", "abstain": "Ana"}, 25, "failed"),
        ({"quorum": "60%"}, {"yes": "Mei Jun Ana"}, 25, "in force"),
        ({"threshold": "2/5", "quorum": "60%"}, {"yes": "Mei Jun"}, 25, "expired"),
        ({"threshold": "2/5", "quorum": "60%"}, {"yes": "Mei Jun", "no": "Bo"}, 25, "in force"),
        ({"blocks": 1}, {"yes": "Mei Jun Ana Bo", "block": "Lin"}, 25, "failed"),
        ({"blocks": 2}, {"yes": "Mei Jun Ana Bo", "block": "Lin"}, 25, "in force"),
        ({}, {"yes": "Mei Jun Ana", "block": "Bo Lin"}, 25, "in force"),
        ({"early": True}, {"yes": "Mei Jun Ana"}, 1, "in force"),
        ({"early": True}, {"yes": "Mei Jun", "no": "Ana Bo Lin"}, 1, "open"),
        ({"early": True, "blocks": 1}, {"yes": "Mei Jun Ana", "block": "Bo"}, 1, "open"),
    ],
)
def test_quorum_blocks_and_an_early_end(
    over: dict[str, Any], votes: dict[str, str], hours: int, status: str
) -> None:
    document = rules()
    document["governance"]["membership"] = process(**over)
    council = Council(document, *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    for say, names in votes.items():
        council.say(proposal, say, names)
    council.cut(hours)
    assert council.status(proposal) == status


def test_who_joins_during_the_vote_has_none() -> None:
    council = Council(rules(), "Jun", "Ana")
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    council.pens["Bo"] = council.join("Bo")
    council.learn()
    (late,) = council.say(proposal, "yes", "Bo")
    assert council.history.verdict(late.id) == Reason.NO_VOTE
    council.say(proposal, "yes", "Jun")
    council.cut(25)
    row = council.row(proposal)
    assert (row.status, row.electorate, row.yes) == ("failed", 3, 1)


def test_who_joined_before_the_vote_opened_has_one() -> None:
    council = Council(rules(), "Jun")
    proposal = council.patch("Jun", VOUCHES)
    council.pens["Bo"] = council.join("Bo")
    council.say(proposal, "yes", "Bo Jun")
    council.cut()
    council.cut(25)
    assert council.status(proposal) == "in force"
    assert council.row(proposal).electorate == 3


def test_who_is_removed_during_the_vote_counts_in_the_electorate_and_not_as_a_yes() -> None:
    council = Council(rules(), *FIVE)
    removal = council.remove("Jun", "Lin")
    council.cut()
    proposal = council.patch("Jun", VOUCHES)
    council.cut(20)
    council.say(proposal, "yes", "Mei Jun Lin")
    council.say(removal, "yes", "Mei Jun Ana")
    council.cut(5)
    assert council.status(removal) == "passed"
    member = membership.member(council.history.final, council.id("Lin"))
    assert member is not None
    assert member.status == "removed"
    council.cut(20)
    row = council.row(proposal)
    assert (row.status, row.electorate, row.needed, row.yes) == ("failed", 5, 3, 2)


def test_whom_a_removal_concerns_has_no_vote_on_it() -> None:
    council = Council(rules(), "Jun", "Ana")
    removal = council.remove("Jun", "Ana")
    (own,) = council.say(removal, "no", "Ana")
    assert council.history.verdict(own.id) == Reason.NO_VOTE
    council.cut()
    assert council.row(removal).electorate == 2
    assert council.row(removal).needed == 2


def test_a_vote_can_be_changed_until_it_is_closed() -> None:
    council = Council(rules(), *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    council.say(proposal, "yes", "Mei Jun Ana")
    council.cut(10)
    council.say(proposal, "no", "Ana")
    (again,) = council.say(proposal, "no", "Ana")
    assert council.history.verdict(again.id) == Reason.NOTHING_NEW
    council.cut(15)
    assert council.status(proposal) == "failed"
    (late,) = council.say(proposal, "yes", "Ana")
    assert council.history.verdict(late.id) == Reason.VOTE_CLOSED


def test_of_two_rivals_on_one_base_the_first_adopted_wins() -> None:
    document = rules()
    document["governance"]["membership"] = process(early=True)
    council = Council(document, *FIVE)
    first = council.patch("Jun", VOUCHES)
    second = council.patch("Ana", {"membership": {"vouches": 2, **SAID}})
    council.cut()
    council.say(second, "yes", "Mei Jun Ana")
    council.cut()
    assert council.status(second) == "in force"
    assert council.status(first) == "stale"
    assert council.history.ruleset.joining.vouches == 2
    third = council.patch("Jun", VOUCHES, base=council.row(first).base)
    assert council.history.verdict(third.id) == Reason.OTHER_BASE


def test_of_two_rivals_that_pass_at_one_cut_the_earlier_proposed_wins() -> None:
    council = Council(rules(), *FIVE)
    first = council.patch("Jun", VOUCHES)
    second = council.patch("Ana", {"membership": {"vouches": 2, **SAID}})
    council.cut()
    council.say(second, "yes", "Mei Jun Ana Bo")
    council.say(first, "yes", "Mei Jun Ana")
    council.cut(25)
    assert [council.status(first), council.status(second)] == ["in force", "stale"]


def lowered(threshold: str, name: str = "constitution") -> dict[str, Any]:
    return {"governance": {name: {"threshold": threshold}}}


@pytest.mark.parametrize(
    ("patch", "yes", "passes"),
    [
        (lowered("1/2"), "Mei Jun Ana", False),  # enough for the new one, not for the old
        (lowered("1/2"), "Mei Jun Ana Bo", True),
        (lowered("100%"), "Mei Jun Ana Bo", False),  # enough for the old one, not for the new
        (lowered("100%"), "Mei Jun Ana Bo Lin", True),
        (lowered("1/10", "ordinary"), "Mei Jun Ana", False),  # how to vote is constitution
        (lowered("1/10", "ordinary"), "Mei Jun Ana Bo", True),
        (lowered("100%", "ordinary"), "Mei Jun Ana Bo", False),
    ],
)
def test_a_change_of_a_threshold_satisfies_the_stricter_of_both(
    patch: dict[str, Any], yes: str, passes: bool
) -> None:
    council = Council(rules(), *FIVE)
    proposal = council.patch("Jun", patch)
    council.cut()
    council.say(proposal, "yes", yes)
    council.cut(25)
    assert (council.status(proposal) == "in force") is passes


def test_a_proposal_cannot_choose_the_rule_that_decides_it() -> None:
    document = rules()
    document["governance"]["ordinary"] = process(threshold="1/10")
    council = Council(document, *FIVE)
    own = rules()
    own["governance"] = {
        name: process(threshold="1/2", early=True)
        for name in ("ordinary", "constitution", "membership")
    }
    proposal = council.propose("Jun", own, kind="ordinary")
    council.cut()
    assert council.row(proposal).kind == "constitution"
    council.say(proposal, "yes", "Mei Jun Ana")
    council.cut(25)
    assert council.status(proposal) == "failed"


def test_silence_is_consent_only_where_the_rules_say_so() -> None:
    document = rules()
    document["governance"]["lazy"] = {
        **process(),
        "objections": 2,
        "covers": ["value"],
        "decisions": True,
    }
    value = {"value": {"work": {"points": "event.effort", **SAID}}}
    council = Council(document, *FIVE)
    silent, stopped = council.patch("Jun", value), council.decide("Jun")
    covered = council.patch("Ana", VOUCHES)
    council.cut()
    assert council.row(covered).kind == "membership"
    council.say(stopped, "no", "Bo")
    council.say(stopped, "block", "Lin")
    council.cut(23)
    assert council.status(silent) == "open"
    council.cut(2)
    assert [council.status(one) for one in (silent, stopped, covered)] == [
        "in force",
        "failed",
        "stale",
    ]


def test_whoever_proposes_may_ask_for_a_vote_on_what_silence_could_pass() -> None:
    document = rules()
    document["governance"]["lazy"] = {**process(), "covers": ["value"], "decisions": True}
    value = {"value": {"work": {"points": "event.effort", **SAID}}}
    council = Council(document, *FIVE)
    asked = council.patch("Jun", value, vote=True)
    decision = council.decide("Jun", vote=True)
    council.cut()
    assert [council.row(one).kind for one in (asked, decision)] == ["ordinary", "ordinary"]
    council.say(asked, "yes", "Mei Jun Ana")
    council.cut(25)
    assert [council.status(one) for one in (asked, decision)] == ["in force", "failed"]


def test_a_trial_is_shown_and_then_in_force() -> None:
    document = rules()
    document["governance"]["membership"] = process(early=True, trial_hours=48)
    council = Council(document, "Jun")
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    council.say(proposal, "yes", "Mei Jun")
    council.cut()
    assert council.status(proposal) == "trial"
    assert council.history.ruleset.joining.vouches == 0
    rival = council.patch("Mei", {"membership": {"vouches": 2, **SAID}})
    council.cut()
    assert council.status(rival) == "stale"
    council.cut(48)
    assert council.status(proposal) == "in force"
    assert council.history.ruleset.joining.vouches == 1


def test_a_rule_with_a_sunset_ends_by_itself() -> None:
    document = rules()
    document["governance"]["membership"] = process(early=True)
    council = Council(document, "Jun")
    before = council.history.ruleset.id
    proposal = council.patch("Jun", VOUCHES, sunset=24)
    council.say(proposal, "yes", "Mei Jun")
    council.cut()
    assert council.status(proposal) == "in force"
    assert council.history.ruleset.joining.vouches == 1
    assert council.history.next_advance(council.now_ms + 23 * HOUR) is None
    council.cut(24)
    assert council.status(proposal) == "sunset"
    assert council.history.ruleset.id == before
    assert len(active_ruleset.history(council.history.final)) == 2


def test_what_is_withdrawn_is_decided() -> None:
    council = Council(rules(), "Jun")
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    other = council.write("Mei", "rules.withdraw", {"proposal": proposal.id})
    assert council.history.verdict(other.id) == Reason.NOT_YOURS
    council.say(proposal, "yes", "Mei Jun")
    council.write("Jun", "rules.withdraw", {"proposal": proposal.id})
    council.cut(25)
    assert council.status(proposal) == "withdrawn"
    assert council.history.ruleset.joining.vouches == 0


def test_the_voters_of_a_class_can_be_the_holders_of_a_role() -> None:
    roles = {"keeper": {**SAID}, "guest": {**SAID}}
    document = rules(roles=roles)
    document["governance"]["membership"] = process(voters="keeper")
    council = Council(document, *FIVE)
    council.write("Bo", "role.claim", {"role": "keeper"})
    council.write("Lin", "role.claim", {"role": "keeper"})
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    assert council.row(proposal).electorate == 2
    (refused,) = council.say(proposal, "yes", "Jun")
    assert council.history.verdict(refused.id) == Reason.NO_VOTE
    council.say(proposal, "yes", "Bo Lin")
    council.cut(25)
    assert council.status(proposal) == "in force"


def test_the_former_rules_stay_known_as_superseded() -> None:
    document = rules()
    document["governance"]["membership"] = process(early=True)
    council = Council(document, "Jun")
    first = council.patch("Jun", VOUCHES)
    council.say(first, "yes", "Mei Jun")
    council.cut()
    second = council.patch("Jun", {"membership": {"vouches": 2, **SAID}})
    council.say(second, "yes", "Mei Jun")
    council.cut()
    assert [council.status(first), council.status(second)] == ["superseded", "in force"]


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"subject": "anything"}, Reason.SHAPE),
        ({"form": "half"}, Reason.SHAPE),
        ({"sunset": -1}, Reason.SHAPE),
        ({"backtest": b"short"}, Reason.SHAPE),
        ({"base": bytes(32)}, Reason.OTHER_BASE),
    ],
)
def test_a_proposal_without_the_form_counts_for_nothing(
    over: dict[str, Any], reason: Reason
) -> None:
    council = Council(rules(), "Jun")
    assert council.history.verdict(council.patch("Jun", VOUCHES, **over).id) == reason


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ({"pools": {"income": {"unit": "EUR", **SAID}}}, Reason.BAD_RULES),
        ({"name": None}, Reason.BAD_RULES),
        ({}, Reason.NOTHING_NEW),
    ],
)
def test_a_proposal_of_no_sound_rules_counts_for_nothing(
    patch: dict[str, Any], reason: Reason
) -> None:
    council = Council(rules(), "Jun")
    assert council.history.verdict(council.patch("Jun", patch).id) == reason


def test_nobody_floods_the_members_with_proposals() -> None:
    council = Council(rules(), "Jun")
    made = [council.decide("Jun") for _ in range(5)]
    verdicts = [council.history.verdict(one.id) for one in made]
    assert verdicts == [None, None, None, None, Reason.TOO_MANY_PROPOSALS]
    council.cut()
    council.cut(25)
    assert council.history.verdict(council.decide("Jun").id) is None


def test_a_vote_on_nothing_counts_for_nothing() -> None:
    council = Council(rules(), "Jun")
    for data, reason in (
        ({"proposal": bytes(32), "say": "yes"}, Reason.UNKNOWN_PROPOSAL),
        ({"proposal": bytes(32), "say": "maybe"}, Reason.SHAPE),
        ({"say": "yes"}, Reason.SHAPE),
    ):
        vote = council.write("Jun", "rules.vote", data)
        assert council.history.verdict(vote.id) == reason


def proposed(council: Council, proposal: Record) -> Ruleset | None:
    """Return the ruleset of a proposal, while the state keeps it."""
    row = proposals.proposal_row(council.history.state, proposal.id)
    assert row is not None
    data = council.history.state.get(active_ruleset.DOCUMENT + row.target)
    return None if data is None else active_ruleset.read(data)


def test_the_document_of_what_came_to_nothing_is_not_kept() -> None:
    council = Council(rules(), "Jun")
    kept = council.patch("Jun", VOUCHES)
    same = council.patch("Mei", VOUCHES)
    gone = council.patch("Jun", {"membership": {"vouches": 2, **SAID}})
    for one in (same, gone):
        assert proposed(council, one) is not None
        name = "Mei" if one is same else "Jun"
        council.write(name, "rules.withdraw", {"proposal": one.id})
    council.cut()
    assert proposed(council, gone) is None
    found = proposed(council, kept)
    assert found is not None
    assert found.joining.vouches == 1
    council.say(kept, "yes", "Mei Jun")
    council.cut(25)
    assert council.history.ruleset == found
