"""A vote as one member sees it: what they may say, who is missing, and how it would end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.client import Member
from commonweal.protocol.errors import UnknownId
from commonweal.storage.home.home import Home
from tests.builders.commons import RULES, Commons


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    folder = tmp_path_factory.mktemp("ballots")
    file = folder / "rules.toml"
    file.write_text(RULES + ORDINARY, "utf-8")
    made = Commons(folder, str(file))
    return made.copies(tmp_path_factory)


ORDINARY = """
[governance.ordinary]
threshold = ">1/2"
period_hours = 24
early = false
blocks = 1
en = "More than half; one block stops it."
zh = "过半数；一人阻止即不通过。"
"""


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def outlook(home: Home, id: bytes):  # type: ignore[no-untyped-def]
    with Member(home) as member:
        return member.proposal_outlook(id)


def said(lanxi: Commons, home: Home, id: bytes, say: str) -> None:
    with Member(home) as member:
        member.vote(id, say)
    lanxi.meet()


def test_before_it_opens_everybody_may_say_something(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        id = mei.propose_decision("A bench.").id
    lanxi.meet()
    mine, other = outlook(lanxi.mei, id), outlook(lanxi.bo, id)
    assert other.choices == ("yes", "no", "abstain", "block")
    assert (other.now, other.missing, other.said, other.refusal) == (None, (), None, "")
    assert mine.may_withdraw and not other.may_withdraw


def test_an_open_vote_names_who_is_missing_and_how_it_would_end(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        id = mei.propose_decision("A bench.").id
    lanxi.seal()
    first = outlook(lanxi.bo, id)
    assert [(who.member_name, who.you) for who in first.missing] == [
        ("Ana", False),
        ("Bo", True),
        ("Mei", False),
    ]
    assert (first.now, first.yes_missing, first.is_open_ended) == ("failed", 2, True)
    said(lanxi, lanxi.bo, id, "yes")
    said(lanxi, lanxi.ana, id, "yes")
    second = outlook(lanxi.bo, id)
    assert [(ballot.yes, ballot.needed) for ballot in second.electorates] == [(2, 2)]
    assert (second.said, second.choices) == ("yes", ("no", "abstain", "block"))
    assert second.record is not None
    assert [who.member_name for who in second.missing] == ["Mei"]
    assert (second.now, second.yes_missing) == ("passed", 0)
    assert second.is_open_ended, "Mei can block it"
    said(lanxi, lanxi.mei, id, "abstain")
    third = outlook(lanxi.bo, id)
    assert (third.missing, third.is_open_ended) == ((), False)


def test_who_said_something_can_say_another_thing(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        id = mei.propose_decision("A bench.").id
    lanxi.meet()
    said(lanxi, lanxi.bo, id, "yes")
    said(lanxi, lanxi.bo, id, "block")
    seen = outlook(lanxi.bo, id)
    assert (seen.said, seen.choices) == ("block", ("yes", "no", "abstain"))
    with Member(lanxi.bo) as bo:
        (vote,) = bo.proposal(id).votes
    assert (vote.id, vote.say, vote.member_name) == (seen.record, "block", "Bo")


def test_a_decided_vote_says_why_nothing_more_is_taken(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        id = mei.propose_decision("A bench.").id
        mei.withdraw_proposal(id)
    lanxi.meet()
    seen = outlook(lanxi.bo, id)
    assert seen.choices == () and seen.refusal
    assert not outlook(lanxi.mei, id).may_withdraw
    with pytest.raises(UnknownId):
        outlook(lanxi.bo, bytes(32))
