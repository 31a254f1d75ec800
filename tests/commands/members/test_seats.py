"""Seats, leaving and removal, typed: what is asked, what is refused, and how a home stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.node.service.events import Wish
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import Commons, meet
from tests.builders.weal import good, weal
from tests.commands.keep.test_refound import stuck

DAY_NS = 24 * 3600 * 10**9


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of one community."""
    made = Commons(tmp_path_factory.mktemp("commons"))
    made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def state(home: Path) -> str:
    said: str = good("status", "--home", home, "-o", "json").json["state"]
    return said


def witness_beside_founder(folder: Path) -> Path:
    """Return the home of the second of two witnesses, who holds all that the first holds."""
    ann, bo = stuck(folder)
    meet(Home(ann), Home(bo))
    return bo


# The seat.


def test_the_only_witness_is_told_what_to_do_before_they_leave(lanxi: Commons) -> None:
    ran = lanxi.refused(lanxi.mei, "leave", "--yes")
    assert ran.code == 77
    assert "hand the seat on first" in ran.err and "weal role resign witness" in ran.err
    ran = lanxi.refused(lanxi.mei, "role", "resign", "witness")
    assert ran.code == 77 and "Let another member take a seat first" in ran.err


def test_one_of_two_witnesses_is_refused_too_and_their_status_says_so(tmp_path: Path) -> None:
    bo = witness_beside_founder(tmp_path)
    said = good("status", "--home", bo).out
    assert "When 1 of 2 witnesses are gone for good" in said and "weal refound" in said
    assert weal("leave", "--yes", "--home", bo).code == 77
    good("role", "resign", "witness", "--home", bo)
    assert weal("leave", "--yes", "--home", bo).code == 77


def test_names_and_state_follow_from_what_seals_refused(tmp_path: Path) -> None:
    """Written all the same, by another program: a seat that is needed stays, and its member."""
    bo = witness_beside_founder(tmp_path)
    homes.write(Home(bo), Wish("member.leave", {}))
    assert state(bo) == "member"
    good("record", "work", "1", "hour", "--home", bo)


def test_what_one_more_witness_means_is_said_before_it_is_asked(lanxi: Commons) -> None:
    ran = lanxi.refused(lanxi.bo, "role", "claim", "witness")
    assert ran.code == 2 and "With 2 witnesses, 2 must agree on each seal" in ran.err
    said = lanxi.good(lanxi.bo, "role", "claim", "witness", "--yes").out
    assert "weal role endorse Bo witness" in said and "Mei" in said
    lanxi.meet()
    claims = lanxi.json(lanxi.mei, "role", "list")["claims"]
    assert {one["member_name"]: one["waits_for"] for one in claims} == {"Mei": [], "Bo": ["Mei"]}
    assert "weal refound" in lanxi.refused(lanxi.mei, "role", "endorse", "Bo", "witness").err
    lanxi.good(lanxi.mei, "role", "endorse", "Bo", "witness", "--yes")
    claims = lanxi.json(lanxi.mei, "role", "list")["claims"]
    assert {one["member_name"]: one["waits_for"] for one in claims} == {"Mei": [], "Bo": []}


# The date.


def test_a_date_in_doubt_is_said_with_what_to_do(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lanxi.json(lanxi.mei, "status")["finality"]["doubt"] is None
    true_ns = time.time_ns
    lanxi.good(lanxi.mei, "record", "work", "1", "hour")
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time_ns", lambda: true_ns() + 8 * DAY_NS)
        lanxi.good(lanxi.mei, "seal")
        said = lanxi.json(lanxi.mei, "status")["finality"]["doubt"]
        assert "days later than the one before" in said and "go on sealing" in said
    said = lanxi.json(lanxi.mei, "status")["finality"]["doubt"]
    assert "dated later than now" in said and "weal seal" in said
    assert "dated later than now" in lanxi.good(lanxi.mei, "status").out
    lanxi.good(lanxi.mei, "record", "work", "1", "hour")
    lanxi.good(lanxi.mei, "seal")
    assert lanxi.json(lanxi.mei, "status")["finality"]["doubt"] is None


# Membership that ended.


def test_who_left_is_said_to_have_left_and_records_nothing(lanxi: Commons) -> None:
    assert "come back only by a new invite" in lanxi.good(lanxi.bo, "leave", "--yes").err
    assert state(lanxi.bo.path) == "left"
    assert lanxi.refused(lanxi.bo, "record", "work", "1", "hour").code == 77
    lanxi.seal()
    assert state(lanxi.bo.path) == "left"
    assert lanxi.refused(lanxi.bo, "record", "work", "1", "hour").code == 77


def test_who_was_removed_is_said_to_be_and_records_nothing(lanxi: Commons) -> None:
    id = lanxi.json(lanxi.mei, "remove", "Bo", "--yes")["id"]
    lanxi.seal()
    for home in (lanxi.mei, lanxi.ana):
        lanxi.good(home, "rules", "vote", id[:12], "yes")
    lanxi.seal()
    members = lanxi.json(lanxi.mei, "members")["members"]
    assert {one["name"]: one["status"] for one in members}["Bo"] == "removed"
    assert state(lanxi.bo.path) == "removed"
    refused = lanxi.refused(lanxi.bo, "record", "work", "1", "hour")
    assert refused.code == 77 and "removed" in refused.err
    assert weal("doctor", "--home", lanxi.bo.path).code == 1
    lanxi.good(lanxi.ana, "record", "work", "1", "hour")
