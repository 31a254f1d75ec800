"""What members are owed, typed: claims, payments, payout files, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.storage.home.home import Home
from tests.builders.commons import RULES, Commons
from tests.builders.weal import Ran


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community in which Bo is owed 75.00 EUR and Ana 25.00."""
    first = tmp_path_factory.mktemp("claims")
    made = Commons(first)
    made.adopt(RULES, first)
    hours = ((made.bo, "3"), (made.ana, "1"))
    ids = [made.json(home, "record", "work", n, "hours")["id"] for home, n in hours]
    made.meet()
    made.good(made.mei, "attest", *(id[:12] for id in ids))
    income(made, "100")
    made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def income(lanxi: Commons, amount: str) -> str:
    """Let Ana record income, and Mei attest it."""
    id: str = lanxi.json(lanxi.ana, "income", amount, "EUR")["id"]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", id[:12])
    return id


def claims(lanxi: Commons, home: Home, *options: str) -> dict[str, Any]:
    """Return the claims that a home shows, by name; one for each here."""
    found = lanxi.json(home, "claims", *options)["claims"]
    return {one["member_name"]: one for one in found}


def pay(lanxi: Commons, amount: str, claim: str, *options: str) -> str:
    """Let Mei pay a claim; return the payment."""
    typed = ("record", "transfer", amount, "EUR", "--settles", claim[:12], *options)
    id: str = lanxi.json(lanxi.mei, *typed)["id"]
    lanxi.meet()
    return id


def rows(ran: Ran) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ran.out)))


def test_what_is_owed_is_listed_alike_everywhere_and_is_final(lanxi: Commons) -> None:
    printed = [lanxi.good(home, "claims", "-o", "json").out for home in lanxi.all]
    assert printed[0] == printed[1] == printed[2]
    found = claims(lanxi, lanxi.bo)
    assert {name: one["amount"] for name, one in found.items()} == {"Bo": "75.00", "Ana": "25.00"}
    assert all(one["final"] and one["sealed"] for one in found.values())
    shown = lanxi.good(lanxi.bo, "claims", "--member", "Bo").out
    assert "75.00" in shown
    assert "25.00" not in shown
    assert "final" in shown.splitlines()[1]


def test_a_payment_is_said_then_settled_and_then_final(lanxi: Commons) -> None:
    claim = claims(lanxi, lanxi.mei)["Bo"]["claim"]
    ran = lanxi.good(lanxi.mei, "record", "transfer", "50", "EUR", "--settles", claim[:12])
    assert "once its receiver says so: weal attest" in ran.out
    lanxi.meet()
    bo = claims(lanxi, lanxi.bo)["Bo"]
    assert (bo["status"], bo["said"], bo["settled"], bo["final"]) == (
        "open",
        "50.00",
        "0.00",
        False,
    )
    shown = lanxi.good(lanxi.bo, "claims", "--member", "Bo").out
    assert "what was paid is provisional: not sealed yet" in shown
    (payment,) = lanxi.json(lanxi.bo, "explain", claim[:12])["payments"]
    assert (payment["status"], payment["final"]) == ("said", False)
    told = lanxi.good(lanxi.ana, "show", payment["event"][:12]).out
    assert "the community (" in told
    assert "Bo (" in told
    assert "the community" in lanxi.good(lanxi.ana, "ledger").out
    assert "said, not confirmed by the claimant" in lanxi.good(lanxi.bo, "explain", claim[:12]).out
    lanxi.good(lanxi.bo, "attest", payment["event"][:12])
    bo = claims(lanxi, lanxi.bo)["Bo"]
    assert (bo["status"], bo["settled"], bo["open"], bo["final"]) == (
        *("partly", "50.00", "25.00"),
        False,
    )
    lanxi.seal()
    bo = claims(lanxi, lanxi.ana)["Bo"]
    assert (bo["status"], bo["final"]) == ("partly", True)
    assert "of that not settled" in lanxi.good(lanxi.bo, "balance").out
    assert lanxi.json(lanxi.bo, "balance")["open"] == [
        {"name": None, "unit": "EUR", "amount": "25.00"}
    ]


def test_claims_are_chosen_by_what_is_open(lanxi: Commons) -> None:
    claim = claims(lanxi, lanxi.mei)["Bo"]["claim"]
    lanxi.good(lanxi.bo, "attest", pay(lanxi, "75", claim)[:12])
    lanxi.meet()
    assert list(claims(lanxi, lanxi.mei, "--open")) == ["Ana"]
    assert list(claims(lanxi, lanxi.mei, "--settled")) == ["Bo"]
    assert sorted(claims(lanxi, lanxi.mei, "--open", "--settled")) == ["Ana", "Bo"]


def test_one_payment_settles_several_claims(lanxi: Commons) -> None:
    income(lanxi, "10")
    lanxi.seal()
    found = lanxi.json(lanxi.mei, "claims", "--member", "Bo")["claims"]
    options = [word for one in found[1:] for word in ("--settles", one["claim"][:12])]
    paid = pay(lanxi, "82.50", found[0]["claim"], *options)
    lanxi.good(lanxi.bo, "attest", paid[:12])
    now = lanxi.json(lanxi.bo, "claims", "--member", "Bo")["claims"]
    assert [one["status"] for one in now] == ["settled", "settled"]


REFUSED = [
    (("100", "EUR"), "exceeds what is open of the claim"),
    (("1", "USD"), "the unit is not that of the claim"),
    (("1.005", "EUR"), "finer than the scale of the claim"),
    (("1", "EUR", "--receiver", "Ana"), "the claim is not the receiver's"),
    (("1", "EUR", "--provider", "Bo"), "members cannot pay their own claims"),
]


@pytest.mark.parametrize(("typed", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_would_pay_nothing_is_not_written(
    lanxi: Commons, typed: tuple[str, ...], why: str
) -> None:
    claim = claims(lanxi, lanxi.mei)["Bo"]["claim"]
    words = ("record", "transfer", *typed[:2], "--settles", claim[:12], *typed[2:])
    assert why in lanxi.refused(lanxi.mei, *words).err
    assert lanxi.refused(lanxi.mei, *words[:5], "ffff").code == 65


def test_only_a_transfer_settles(lanxi: Commons) -> None:
    claim = claims(lanxi, lanxi.mei)["Bo"]["claim"]
    words = ("record", "work", "1", "hour", "--settles", claim[:12])
    assert "only a transfer settles a claim" in lanxi.refused(lanxi.mei, *words).err


def holdings(lanxi: Commons, home: Home) -> dict[str, str]:
    """Return who holds how many EUR, by name."""
    found = lanxi.json(home, "resource", "list")["resources"]
    return {one["accountable_name"]: one["accounting"] for one in found if one["unit"] == "EUR"}


def test_what_is_paid_leaves_what_the_community_holds_while_it_holds_so_much(
    lanxi: Commons,
) -> None:
    claim = claims(lanxi, lanxi.mei)["Bo"]["claim"]
    assert holdings(lanxi, lanxi.mei) == {"the community": "100"}
    paid = [pay(lanxi, "30.50", claim), pay(lanxi, "20", claim)]
    assert holdings(lanxi, lanxi.mei) == {"the community": "100", "Bo": "0.00"}
    lanxi.good(lanxi.bo, "attest", *(one[:12] for one in paid))
    held = {name: float(amount) for name, amount in holdings(lanxi, lanxi.bo).items()}
    assert held == {"the community": 49.5, "Bo": 50.5}
    # Somebody else pays the rest, out of what is in no book here.
    pay(lanxi, "10", claim, "--provider", "Ana")
    held = {name: float(amount) for name, amount in holdings(lanxi, lanxi.bo).items()}
    assert held == {"the community": 49.5, "Bo": 50.5}
    owed = claims(lanxi, lanxi.bo)["Bo"]
    assert (owed["said"], owed["settled"]) == ("10.00", "50.50")


def test_a_contribution_that_pays_says_so(lanxi: Commons) -> None:
    claim = claims(lanxi, lanxi.mei)["Bo"]["claim"]
    paid = pay(lanxi, "30", claim)
    (part,) = lanxi.json(lanxi.bo, "explain", paid[:12])["settles"]
    assert part == {"claim": claim, "amount": "30.00", "status": "said"}
    assert (
        f"pays 30.00 EUR of the claim {claim[:8]}" in lanxi.good(lanxi.bo, "explain", paid[:12]).out
    )


def test_income_that_was_less_is_taken_off_the_next_claim(lanxi: Commons) -> None:
    id = income(lanxi, "40")
    lanxi.seal()
    correction = lanxi.json(lanxi.ana, "correct", id[:12], "20", "EUR")["id"]
    lanxi.meet()
    (said,) = lanxi.json(lanxi.mei, "attest", id[:12])["attests"]
    cited = lanxi.json(lanxi.mei, "show", said["id"])["deps"]
    assert correction in cited, "what is attested stands before what is said of it"
    lanxi.seal()
    listed = lanxi.json(lanxi.mei, "claims")
    assert {one["member_name"]: one["amount"] for one in listed["too_much"]} == {
        "Bo": "15.00",
        "Ana": "5.00",
    }
    words = "Bo had 15.00 EUR too much from the pool income: it is taken off the next claim"
    assert words in lanxi.good(lanxi.mei, "claims").out
    lines = lanxi.json(lanxi.mei, "shares", "--lines")["lines"]
    (line,) = [one for one in lines if one["corrects"] and one["member_name"] == "Bo"]
    assert line["amount"] == "-15.00"
    told = lanxi.good(lanxi.bo, "explain", line["line"]).out
    assert f"was split at height {line['corrects']} was corrected" in told
    income(lanxi, "100")
    lanxi.seal()
    last = lanxi.json(lanxi.mei, "claims", "--member", "Bo")["claims"][-1]
    assert (last["earned"], last["owed_back"], last["amount"]) == ("75.00", "15.00", "60.00")
    assert (
        "less 15.00 EUR that was too much before"
        in lanxi.good(lanxi.bo, "explain", last["claim"][:12]).out
    )
    assert lanxi.json(lanxi.mei, "claims")["too_much"] == []
    assert "this name or id" in lanxi.refused(lanxi.bo, "explain", "9" * 5_000).err


def test_a_payout_file_names_its_seal_and_is_the_same_everywhere(lanxi: Commons) -> None:
    height = claims(lanxi, lanxi.mei)["Bo"]["height"]
    printed = [
        lanxi.good(home, "payouts", "--height", str(height), "-o", "csv").out for home in lanxi.all
    ]
    assert printed[0] == printed[1] == printed[2]
    listed = lanxi.json(lanxi.ana, "payouts", "--height", str(height))["payouts"]
    (seal,) = lanxi.json(lanxi.ana, "sql", f"SELECT * FROM seals WHERE height = {height}")["rows"]
    assert {one["seal"] for one in listed} == {seal["id"]}
    assert {one["ruleset"] for one in listed} == {seal["ruleset"]}
    assert {one["member_name"]: one["amount"] for one in listed} == {"Bo": "75.00", "Ana": "25.00"}
    assert [one["amount"] for one in rows(Ran(0, printed[0], ""))] == [
        one["amount"] for one in listed
    ]
    assert lanxi.json(lanxi.ana, "payouts")["payouts"] == listed


def test_a_payout_file_of_a_height_that_is_not_sealed_is_not_written(lanxi: Commons) -> None:
    ran = lanxi.refused(lanxi.mei, "payouts", "--height", "99", "-o", "csv")
    assert (ran.code, ran.out) == (75, "")
    assert "is not sealed here" in ran.err


def test_no_cell_of_a_payout_file_is_a_formula(lanxi: Commons) -> None:
    from commonweal.node.service.events import Text, Wish
    from tests.builders import homes

    homes.write(lanxi.bo, Wish("member.profile", {}, text=Text("text/plain", b"=1+1")))
    lanxi.meet()
    lanxi.seal()
    names = {one["member_name"] for one in rows(lanxi.good(lanxi.mei, "payouts", "-o", "csv"))}
    assert names == {"'=1+1", "Ana"}
    names = {one["member_name"] for one in rows(lanxi.good(lanxi.mei, "claims", "-o", "csv"))}
    assert names == {"'=1+1", "Ana"}


def test_what_a_seal_would_make_claims_is_shown_and_is_none_yet(lanxi: Commons) -> None:
    before = lanxi.json(lanxi.mei, "claims")["claims"]
    income(lanxi, "8")
    found = lanxi.json(lanxi.mei, "claims", "--if-sealed")["claims"]
    new = [one for one in found if not one["sealed"]]
    assert {one["member_name"]: one["amount"] for one in new} == {"Bo": "6.00", "Ana": "2.00"}
    assert not any(one["final"] for one in new)
    shown = lanxi.good(lanxi.mei, "claims", "--if-sealed").out
    assert shown.count("provisional: no claim before a seal") == 2
    assert lanxi.json(lanxi.mei, "claims")["claims"] == before
    claim = new[0]["claim"]
    assert lanxi.refused(lanxi.mei, "record", "transfer", "1", "EUR", "--settles", claim[:12]).code


def test_claims_and_payouts_are_asked_in_sql(lanxi: Commons) -> None:
    claim = claims(lanxi, lanxi.mei)["Bo"]["claim"]
    lanxi.good(lanxi.bo, "attest", pay(lanxi, "50", claim)[:12])
    asked = "SELECT amount, settled, said, open, status, final FROM claims ORDER BY amount"
    assert lanxi.json(lanxi.bo, "sql", asked)["rows"] == [
        {"amount": 2500, "settled": 0, "said": 0, "open": 2500, "status": "open", "final": 1},
        {"amount": 7500, "settled": 5000, "said": 0, "open": 2500, "status": "partly", "final": 0},
    ]
    asked = "SELECT sum(amount) AS n FROM payouts JOIN claims ON claims.id = claim"
    (row,) = lanxi.json(lanxi.bo, "sql", asked.replace("sum(amount)", "sum(payouts.amount)"))[
        "rows"
    ]
    assert row == {"n": 10_000}


def test_nothing_is_owed_where_nothing_was_sealed(tmp_path: Path) -> None:
    from tests.builders.weal import founder, good

    home = founder(tmp_path / "home")
    assert "provisional: not sealed yet" in good("claims", "--home", home).out
    assert good("payouts", "--home", home, "-o", "json").json["payouts"] == []
