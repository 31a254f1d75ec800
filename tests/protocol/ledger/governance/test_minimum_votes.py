"""What nobody does alone, whatever the rules say: remove another, or say what of a fork counts."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol import codec
from commonweal.protocol.ledger.governance.ballot_rows import FORK_YES_MIN, REMOVAL_YES_MIN
from commonweal.protocol.ledger.governance.proposal_records import TEXT_BYTES_MAX
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records import record
from tests.protocol.ledger.council import SAID, Council, process, rules
from tests.protocol.ledger.members.test_forks import about, forked
from tests.protocol.ledger.village import TEXT, Pen
from tests.protocol.ledger.workshop import Workshop, paying

LENIENT = (
    {"threshold": "1/10", "early": True},
    {"threshold": "1/2", "early": True, "blocks": 1},
    {"threshold": "0.01%", "early": False},
    {"threshold": "1/10", "voters": "keeper"},
)


def lenient(over: dict[str, Any], *names: str) -> Council:
    """Return a community with rules by which one yes would be enough; Mei alone is a keeper."""
    ruled = rules(roles={"keeper": SAID})
    ruled["governance"]["membership"] = process(**over)
    council = Council(ruled, *names)
    council.write("Mei", "role.claim", {"role": "keeper"})
    council.cut()
    return council


def is_member(council: Council, name: str) -> bool:
    row = membership.member(council.history.final, council.id(name))
    return row is not None and row.status == "active"


@pytest.mark.parametrize("over", LENIENT)
@pytest.mark.parametrize("names", [("Jun",), ("Jun", "Ana"), ("Jun", "Ana", "Bo")])
def test_nobody_removes_another_alone_whatever_the_rules_say(
    over: dict[str, Any], names: tuple[str, ...]
) -> None:
    council = lenient(over, *names)
    removal = council.remove("Mei", "Jun")
    council.say(removal, "yes", "Mei")
    council.cut()
    council.cut(25)
    row = council.row(removal)
    assert (row.status, row.ballots[0].needed) == ("failed", REMOVAL_YES_MIN)
    assert is_member(council, "Jun")


@pytest.mark.parametrize("over", LENIENT)
def test_two_others_remove_a_member(over: dict[str, Any]) -> None:
    council = lenient(over, "Jun", "Ana", "Bo")
    removal = council.remove("Mei", "Jun")
    council.say(removal, "yes", "Mei Ana")
    council.cut()
    if council.status(removal) == "open":
        council.cut(25)
    assert council.status(removal) == "passed"
    assert not is_member(council, "Jun")


def test_whom_it_concerns_is_not_one_of_the_two() -> None:
    council = lenient(LENIENT[0], "Jun")
    removal = council.remove("Jun", "Mei")
    council.say(removal, "yes", "Jun Mei")
    council.cut()
    council.cut(25)
    row = council.row(removal)
    assert (row.status, row.electorate, row.yes) == ("failed", 1, 1)


@pytest.mark.parametrize(("yes", "status"), [("Mei", "failed"), ("Mei Jun", "passed")])
def test_nobody_says_alone_which_record_of_a_fork_counts(yes: str, status: str) -> None:
    ruled = paying()
    ruled["governance"]["ordinary"] = process(threshold="1/10")
    shop = Workshop(ruled, "Jun", "Ana")
    one, two = forked(shop)
    proposal = shop.mei.write("rules.propose", about(one, two, two), [two, shop.records[-1]])
    shop.say(proposal, "yes", yes)
    shop.cut()
    shop.cut(25)
    row = shop.row(proposal)
    assert (row.status, row.ballots[0].needed) == (status, FORK_YES_MIN)


def test_who_is_alone_says_what_of_a_fork_of_theirs_counts() -> None:
    shop = Workshop(paying())
    shop.pens["Ana"] = Pen(shop, shop.founder, 1)
    shop.pens["Ana"].enrol(is_new=False)
    one, two = forked(shop)
    proposal = shop.mei.write("rules.propose", about(one, two, two), [two, shop.records[-1]])
    shop.say(proposal, "yes", "Mei")
    shop.cut()
    shop.cut(25)
    assert (shop.status(proposal), shop.row(proposal).ballots[0].needed) == ("passed", 1)


@pytest.mark.parametrize("subject", ["decision", "removal", "rules"])
def test_what_members_vote_on_is_in_no_text_that_its_author_can_erase(subject: str) -> None:
    council = Council(rules(), "Jun", "Ana")
    data: dict[str, Any] = {"subject": subject}
    if subject == "removal":
        data["member"] = council.id("Ana")
    if subject == "rules":
        data |= {"base": council.history.ruleset.id, "form": "patch"}
    proposal = council.write("Jun", "rules.propose", data, TEXT)
    assert council.history.verdict(proposal.id) == Reason.ERASABLE_TEXT


def test_the_text_of_a_decision_cannot_be_erased() -> None:
    council = Council(rules(), "Jun", "Ana")
    decision = council.decide("Jun")
    assert council.history.verdict(decision.id) is None
    erase = council.pens["Jun"].write("body.erase", {"record": decision.id}, [])
    council.learn()
    assert council.history.verdict(erase.id) == Reason.NO_TEXT


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"x", None),
        (b"x" * TEXT_BYTES_MAX, None),
        (b"x" * (TEXT_BYTES_MAX + 1), Reason.SHAPE),
        (b"\xff", Reason.SHAPE),
        (codec.encode({"name": bytes([255])}), Reason.SHAPE),
        (None, Reason.SHAPE),
    ],
)
def test_a_decision_is_a_text_of_a_limited_length(
    text: bytes | None, reason: Reason | None
) -> None:
    council = Council(rules(), "Jun")
    body = None if text is None else council.document(text)
    decision = council.write("Jun", "rules.propose", {"subject": "decision"}, body)
    assert council.history.verdict(decision.id) == reason


def test_a_proposal_whose_text_is_not_here_waits_for_it() -> None:
    council = Council(rules(), "Jun")
    body = record.permanent_body(b"We plant a pear tree.")
    decision = council.write("Jun", "rules.propose", {"subject": "decision"}, body)
    assert council.history.verdict(decision.id) == Reason.NO_BODY
