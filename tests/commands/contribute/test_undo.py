"""`weal undo`: what was just written down is withdrawn, as long as nobody spoke of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from commonweal.client import Member
from tests.builders.commons import RULES, Commons


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    first = tmp_path_factory.mktemp("undo")
    made = Commons(first)
    made.adopt(RULES, first)
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def written(lanxi: Commons, *typed: str) -> str:
    """Let Mei write something; return the first digits of its id."""
    id: str = lanxi.json(lanxi.mei, *typed)["id"]
    return id[:12]


def rows(lanxi: Commons) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = lanxi.json(lanxi.mei, "ledger")["records"]
    return listed


def test_what_was_just_written_is_withdrawn_and_marked(lanxi: Commons) -> None:
    id = written(lanxi, "record", "work", "3", "hours")
    lanxi.meet()
    ran = lanxi.good(lanxi.mei, "undo")
    assert ran.out == "Withdrawn: work 3 hour · Mei. It counts for nothing.\n"
    listed = lanxi.json(lanxi.mei, "ledger")
    assert listed["total"] == 0
    (row,) = listed["records"]
    assert (row["quantity"], row["corrected_to"], row["why"]) == ("3", "0", None)
    assert "withdrawn" in lanxi.good(lanxi.mei, "ledger").out
    assert "its author withdrew it" in lanxi.good(lanxi.mei, "explain", id).out
    lanxi.meet()
    assert lanxi.json(lanxi.bo, "attest")["waits"] == []
    assert lanxi.json(lanxi.bo, "attest", "--member", "Mei")["attests"] == []
    assert "its author withdrew it" in lanxi.refused(lanxi.bo, "attest", id).err


def test_an_id_names_an_earlier_one_and_a_seal_alone_is_nobodys_word(lanxi: Commons) -> None:
    first = written(lanxi, "record", "work", "3", "hours")
    written(lanxi, "record", "work", "1", "hour")
    lanxi.seal()
    withdrawal = lanxi.json(lanxi.mei, "undo", first)
    assert withdrawal["event"].startswith(first)
    assert (withdrawal["words"], withdrawal["waits_for"]) == ("work 3 hour · Mei", [])
    assert [row["corrected_to"] for row in rows(lanxi)] == [None, "0"]
    assert "it is withdrawn already" in lanxi.refused(lanxi.mei, "undo", first).err


@pytest.mark.parametrize("said", [("attest",), ("attest", "--no"), ("dispute",)])
def test_what_others_spoke_of_stays(said: tuple[str, ...], lanxi: Commons) -> None:
    id = written(lanxi, "record", "work", "3", "hours")
    lanxi.meet()
    lanxi.good(lanxi.bo, *said, id)
    lanxi.meet()
    ran = lanxi.refused(lanxi.mei, "undo")
    assert ran.code == 77
    assert f"Bo spoke of it; say what it was: weal correct {id[:8]} 3 hour" in ran.err


def test_what_was_attested_before_a_correction_to_nothing_is_attested_again(
    lanxi: Commons,
) -> None:
    id = written(lanxi, "record", "work", "3", "hours")
    lanxi.meet()
    lanxi.good(lanxi.bo, "attest", id)
    lanxi.seal()
    lanxi.good(lanxi.mei, "correct", id, "0", "hours")
    lanxi.meet()
    assert [row["id"][:12] for row in lanxi.json(lanxi.bo, "attest")["waits"]] == [id]
    assert "You said yes" in lanxi.good(lanxi.bo, "attest", id).out


def test_a_thing_that_was_used_since_stays_until_its_use_is_withdrawn(lanxi: Commons) -> None:
    made = written(lanxi, "resource", "new", "flour", "5", "kg")
    written(lanxi, "record", "consume", "4", "kg", "--resource", made)
    ran = lanxi.refused(lanxi.mei, "undo", made)
    assert f"weal correct {made[:8]} 5 kilogram" in ran.err
    lanxi.good(lanxi.mei, "undo")
    assert lanxi.json(lanxi.mei, "resource", "show", made)["accounting"] == "5"
    lanxi.good(lanxi.mei, "undo", made)
    assert lanxi.json(lanxi.mei, "resource", "show", made)["accounting"] == "0"


def test_what_was_given_to_another_is_withdrawn_once_they_agree(lanxi: Commons) -> None:
    written(lanxi, "record", "deliverService", "1", "hour", "--receiver", "Bo")
    withdrawal = lanxi.json(lanxi.mei, "undo")
    assert withdrawal["waits_for"] == [lanxi.json(lanxi.bo, "status")["member"]]
    assert rows(lanxi)[0]["corrected_to"] is None
    lanxi.meet()
    lanxi.good(lanxi.bo, "attest", withdrawal["id"][:12])
    lanxi.meet()
    assert rows(lanxi)[0]["corrected_to"] == "0"


@pytest.mark.parametrize(
    ("typed", "way"),
    [
        (("invite", "create"), "weal invite revoke {id}"),
        (("rules", "propose", "--decision", "a pear tree"), "weal rules withdraw {id}"),
        (("role", "claim", "producer"), "weal role resign producer"),
        (("unit", "new", "crate"), "nothing takes it back"),
    ],
)
def test_other_records_say_what_takes_them_back(
    typed: tuple[str, ...], way: str, lanxi: Commons
) -> None:
    id = written(lanxi, *typed)
    ran = lanxi.refused(lanxi.mei, "undo")
    assert way.format(id=id[:8]) in ran.err


def test_what_was_said_of_another_is_taken_back_by_its_own_command(lanxi: Commons) -> None:
    id = lanxi.json(lanxi.bo, "record", "work", "1", "hour")["id"][:8]
    lanxi.meet()
    for said in ("attest", "dispute"):
        lanxi.good(lanxi.mei, said, id)
        assert f"weal {said} {id} --withdraw" in lanxi.refused(lanxi.mei, "undo").err
        lanxi.good(lanxi.mei, said, id, "--withdraw")
        assert f"again: weal {said} {id}" in lanxi.refused(lanxi.mei, "undo").err
    vote = lanxi.json(lanxi.mei, "rules", "propose", "--decision", "a pear tree")["id"][:8]
    lanxi.good(lanxi.mei, "rules", "vote", vote, "yes")
    assert f"weal rules vote {vote}" in lanxi.refused(lanxi.mei, "undo").err
    assert "Bo wrote it" in lanxi.refused(lanxi.mei, "undo", id).err


def test_a_withdrawal_and_a_correction_are_not_withdrawn(lanxi: Commons) -> None:
    id = written(lanxi, "record", "work", "3", "hours")
    lanxi.good(lanxi.mei, "correct", id, "2", "hours")
    ran = lanxi.refused(lanxi.mei, "undo")
    assert f"corrected {id[:8]}; say what is right: weal correct {id[:8]} 2 hour" in ran.err
    lanxi.good(lanxi.mei, "undo", id)
    assert f"withdrew {id[:8]}" in lanxi.refused(lanxi.mei, "undo").err


def test_a_withdrawn_payment_opens_the_claim_again(lanxi: Commons) -> None:
    worked = lanxi.json(lanxi.bo, "record", "work", "1", "hour")["id"][:12]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", worked)
    income = lanxi.json(lanxi.mei, "income", "90", "EUR")["id"][:12]
    lanxi.meet()
    lanxi.good(lanxi.bo, "attest", income)
    lanxi.seal()
    (claim,) = lanxi.json(lanxi.mei, "claims")["claims"]
    written(lanxi, "record", "transfer", "40", "EUR", "--settles", claim["claim"][:12])
    assert lanxi.json(lanxi.mei, "claims")["claims"][0]["said"] == "40.00"
    withdrawal = lanxi.json(lanxi.mei, "undo")
    assert withdrawal["waits_for"] == [lanxi.json(lanxi.bo, "status")["member"]]


def test_nothing_is_counted_twice(lanxi: Commons) -> None:
    """The number of the list is that of what counts, however it is filtered."""
    for hours in ("1", "2", "3"):
        written(lanxi, "record", "work", hours, "hours")
    lanxi.good(lanxi.mei, "undo")
    with Member(lanxi.mei) as mei:
        for listed in (
            mei.contributions(),
            mei.contributions(member="Mei"),
            mei.contributions(action="work"),
        ):
            assert (listed.total, len(listed.records)) == (2, 3)
