"""Proposals: rivals, classes of change, silence, trials and sunsets, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.governance import active_ruleset, proposals
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.document import Ruleset
from tests.protocol.ledger.council import HOUR, SAID, Council, process, rules

FIVE = ("Jun", "Ana", "Bo", "Lin")
VOUCHES = {"membership": {"vouches": 1, **SAID}}


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
    assert council.history.ruleset.membership.vouches == 2
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
    assert council.history.ruleset.membership.vouches == 0
    rival = council.patch("Mei", {"membership": {"vouches": 2, **SAID}})
    council.cut()
    assert council.status(rival) == "stale"
    council.cut(48)
    assert council.status(proposal) == "in force"
    assert council.history.ruleset.membership.vouches == 1


def test_a_rule_with_a_sunset_ends_by_itself() -> None:
    document = rules()
    document["governance"]["membership"] = process(early=True)
    council = Council(document, "Jun")
    before = council.history.ruleset.id
    proposal = council.patch("Jun", VOUCHES, sunset=24)
    council.say(proposal, "yes", "Mei Jun")
    council.cut()
    assert council.status(proposal) == "in force"
    assert council.history.ruleset.membership.vouches == 1
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
    assert council.history.ruleset.membership.vouches == 0


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
    assert found.membership.vouches == 1
    council.say(kept, "yes", "Mei Jun")
    council.cut(25)
    assert council.history.ruleset == found
