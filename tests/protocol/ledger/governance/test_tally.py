"""The tally: who counts in an electorate, and what a vote comes to."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.governance.proposals import PROPOSAL
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.state.rejections import Reason
from tests.protocol.ledger.council import SAID, Council, process, rules

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
    assert (council.history.ruleset.membership.vouches == 1) is (status == "in force")


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


@pytest.mark.parametrize(
    ("min_yes", "threshold", "yes", "needed"),
    [
        (0, "1/5", "Mei", 1),
        (3, "1/5", "Mei Jun Ana", 3),
        (3, "4/5", "Mei Jun Ana Bo", 4),
        (5, ">1/2", "Mei Jun Ana Bo Lin", 5),
        (1_000, ">1/2", "Mei Jun Ana Bo Lin", 5),
    ],
)
def test_a_least_number_of_yes_is_asked_beside_the_part(
    min_yes: int, threshold: str, yes: str, needed: int
) -> None:
    document = rules()
    document["governance"]["membership"] = process(min_yes=min_yes, threshold=threshold)
    names = yes.split()
    for enough in (names, names[1:]):
        council = Council(document, *FIVE)
        proposal = council.patch("Jun", VOUCHES)
        council.cut()
        council.say(proposal, "yes", " ".join(enough))
        council.cut(25)
        assert council.row(proposal).needed == needed
        assert council.status(proposal) == ("in force" if enough == names else "failed")


@pytest.mark.parametrize(("vote", "status"), [(False, "in force"), (True, "failed")])
def test_silence_needs_no_yes_and_a_vote_in_its_place_asks_for_the_least(
    vote: bool, status: str
) -> None:
    document = rules()
    document["governance"]["lazy"] = {
        "period_hours": 24,
        "covers": ["contributions"],
        "min_yes": 4,
        **SAID,
    }
    council = Council(document, *FIVE)
    change = {"contributions": {"attestations": 2, **SAID}}
    proposal = council.patch("Jun", change, **({"vote": True} if vote else {}))
    council.cut()
    council.say(proposal, "yes", "Mei Jun Ana")
    council.cut(25)
    assert council.row(proposal).needed == (4 if vote else 0)
    assert council.status(proposal) == status


@pytest.mark.parametrize(
    ("over", "votes", "status"),
    [
        ({}, {"no": "Ana Bo"}, "open"),
        ({}, {"no": "Ana Bo Lin"}, "failed"),
        ({}, {"no": "Ana", "abstain": "Bo", "block": "Lin"}, "failed"),
        ({}, {"yes": "Mei Jun", "no": "Ana Bo Lin"}, "failed"),
        ({}, {"yes": "Mei Jun", "no": "Ana Bo"}, "open"),
        ({"early": True}, {"yes": "Mei Jun Ana", "no": "Bo Lin"}, "in force"),
        ({"threshold": "100%"}, {"no": "Ana"}, "failed"),
        ({"threshold": "100%"}, {"yes": "Mei Jun Bo Lin"}, "open"),
        ({"blocks": 2}, {"block": "Ana"}, "open"),
        ({"blocks": 2}, {"block": "Ana Bo"}, "failed"),
        ({"blocks": 2}, {"yes": "Mei Jun Lin", "block": "Ana Bo"}, "failed"),
    ],
)
def test_a_vote_that_can_no_longer_pass_fails_early_where_the_rules_say_so(
    over: dict[str, Any], votes: dict[str, str], status: str
) -> None:
    for early_failure in (True, False):
        document = rules()
        document["governance"]["membership"] = process(**over, early_failure=early_failure)
        council = Council(document, *FIVE)
        proposal = council.patch("Jun", VOUCHES)
        council.cut()
        for say, names in votes.items():
            council.say(proposal, say, names)
        council.cut()
        ends_late = status == "failed" and not early_failure
        assert council.status(proposal) == ("open" if ends_late else status)
        if ends_late:
            council.cut(25)
            assert council.status(proposal) == "failed"


@pytest.mark.parametrize(
    ("over", "votes", "needed", "status"),
    [
        ({}, {"yes": "Mei Jun", "indifferent": "Ana Bo"}, 2, "in force"),
        ({}, {"yes": "Mei", "indifferent": "Ana Bo"}, 2, "failed"),
        ({}, {"yes": "Mei Jun", "abstain": "Ana Bo"}, 3, "failed"),
        ({}, {"yes": "Mei", "indifferent": "Jun Ana Bo Lin"}, 1, "in force"),
        ({}, {"indifferent": "Mei Jun Ana Bo Lin"}, 1, "failed"),
        ({"threshold": "2/3"}, {"yes": "Mei Jun", "indifferent": "Bo Lin"}, 2, "in force"),
        ({"threshold": "2/3"}, {"yes": "Mei Jun", "indifferent": "Bo"}, 3, "failed"),
        ({"min_yes": 2}, {"yes": "Mei", "indifferent": "Jun Ana Bo Lin"}, 2, "failed"),
        ({"quorum": "100%"}, {"yes": "Mei Jun Ana", "indifferent": "Bo Lin"}, 2, "in force"),
        ({"quorum": "100%"}, {"yes": "Mei Jun Ana", "indifferent": "Bo"}, 3, "expired"),
        ({"blocks": 1}, {"yes": "Mei", "block": "Jun", "indifferent": "Ana Bo Lin"}, 2, "failed"),
    ],
)
def test_the_indifferent_leave_the_part_that_must_say_yes_and_count_for_the_quorum(
    over: dict[str, Any], votes: dict[str, str], needed: int, status: str
) -> None:
    document = rules()
    document["governance"]["membership"] = process(**over, indifferent=True)
    said = [(say, name) for say, names in votes.items() for name in names.split()]
    for order in (said, said[::-1]):
        council = Council(document, *FIVE)
        proposal = council.patch("Jun", VOUCHES)
        council.cut()
        for say, name in order:
            council.say(proposal, say, name)
        council.cut(25)
        (ballot,) = council.row(proposal).ballots
        indifferent = len(votes.get("indifferent", "").split())
        assert (ballot.needed, ballot.indifferent) == (needed, indifferent)
        assert council.status(proposal) == status


def test_who_was_indifferent_can_come_back_into_the_count() -> None:
    document = rules()
    document["governance"]["membership"] = process(indifferent=True, early=True)
    council = Council(document, *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    council.say(proposal, "indifferent", "Ana Bo")
    council.say(proposal, "yes", "Mei")
    council.cut()
    assert council.row(proposal).ballots[0].deciding == 3
    council.say(proposal, "no", "Ana")
    council.say(proposal, "yes", "Jun")
    council.cut()
    assert council.status(proposal) == "open", "two of four are not more than half"
    council.say(proposal, "indifferent", "Ana")
    council.cut()
    assert council.status(proposal) == "in force"


def test_nobody_is_indifferent_where_the_rules_do_not_say_so() -> None:
    council = Council(rules(), *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    (early,) = council.say(proposal, "indifferent", "Mei")
    council.cut()
    (later,) = council.say(proposal, "indifferent", "Ana")
    council.cut(25)
    for vote in (early, later):
        assert council.history.verdict(vote.id) == Reason.NO_INDIFFERENT
    assert council.row(proposal).ballots[0].turnout == 0


def test_what_one_class_does_not_allow_is_an_abstention() -> None:
    document = rules()
    document["governance"]["ordinary"] = process(indifferent=True)
    council = Council(document, *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    council.say(proposal, "indifferent", "Ana")
    council.say(proposal, "yes", "Mei Jun")
    council.cut()
    council.cut(25)
    (ballot,) = council.row(proposal).ballots
    assert (ballot.abstain, ballot.indifferent, ballot.needed) == (1, 0, 3)
    assert council.history.final.get(PROPOSAL + proposal.id)[-1] == [
        ["", 5, 3, 0, 0, 0, 5, 2, 0, 1, 0]
    ]


def test_a_removal_takes_two_yes_however_many_are_indifferent() -> None:
    document = rules()
    document["governance"]["membership"] = process(indifferent=True)
    council = Council(document, *FIVE)
    removal = council.remove("Mei", "Lin")
    council.say(removal, "indifferent", "Jun Ana Bo")
    council.say(removal, "yes", "Mei")
    council.cut()
    council.cut(25)
    assert (council.status(removal), council.row(removal).needed) == ("failed", 2)


def test_a_quorum_that_too_few_are_left_for_fails_early() -> None:
    document = rules()
    document["governance"]["membership"] = process(quorum="100%", early_failure=True)
    council = Council(document, *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    assert council.status(proposal) == "open"
    council.write("Lin", "member.leave", {})
    council.cut()
    assert council.status(proposal) == "failed"
    assert council.row(proposal).ballots[0].present == 4


def test_objections_that_are_enough_fail_early_and_one_that_is_taken_back_does_not() -> None:
    lazy = {"period_hours": 24, "covers": ["contributions"], "objections": 2, **SAID}
    document = rules()
    document["governance"]["lazy"] = lazy | {"early_failure": True}
    council = Council(document, *FIVE)
    proposal = council.patch("Jun", {"contributions": {"attestations": 2, **SAID}})
    council.cut()
    council.say(proposal, "no", "Ana")
    council.cut()
    council.say(proposal, "yes", "Ana")
    council.say(proposal, "no", "Bo")
    council.cut()
    assert council.status(proposal) == "open"
    council.say(proposal, "block", "Lin")
    council.cut()
    assert council.status(proposal) == "failed"


def test_a_vote_fails_early_only_where_every_class_that_it_touches_says_so() -> None:
    document = rules()
    document["governance"]["membership"] = process(early_failure=True)
    council = Council(document, *FIVE)
    both = VOUCHES | {"contributions": {"attestations": 2, **SAID}}
    proposal = council.patch("Jun", both)
    council.cut()
    council.say(proposal, "no", "Mei Jun Ana Bo Lin")
    council.cut()
    assert council.status(proposal) == "open"
    assert council.history.final.get(PROPOSAL + proposal.id)[-1] == [
        ["", 5, 3, 0, 0, 0, 5, 0, 5, 0, 0]
    ], "a ballot of rules without the key has the columns that it always had"


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
