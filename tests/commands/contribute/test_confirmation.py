"""Nobody confirms themselves, typed: what one member alone tries, and what waits for others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.protocol.ledger.state.rejections import Reason
from tests.builders.commons import RULES, Commons


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of one community."""
    first = tmp_path_factory.mktemp("commons")
    made = Commons(first)
    made.adopt(RULES, first)
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def test_one_member_alone_makes_no_claim_of_a_million(lanxi: Commons) -> None:
    work = lanxi.json(lanxi.mei, "record", "work", "1", "hour")["id"]
    lanxi.meet()
    lanxi.good(lanxi.bo, "attest", work)
    lanxi.meet()
    income = lanxi.json(lanxi.mei, "income", "1000000", "EUR")["id"]
    refused = lanxi.refused(lanxi.mei, "attest", income)
    assert (refused.code, str(Reason.SELF_ATTESTED) in refused.err) == (77, True)
    assert lanxi.json(lanxi.mei, "attest")["waits"] == []
    lanxi.seal()
    assert lanxi.json(lanxi.mei, "claims")["claims"] == []
    assert lanxi.json(lanxi.mei, "shares")["pools"] == []
    (chest,) = lanxi.json(lanxi.mei, "resource", "list")["resources"]
    assert (chest["accounting"], chest["onhand"]) == ("0", "0")
    (waits,) = [one for one in lanxi.json(lanxi.bo, "attest")["waits"] if one["id"] == income]
    assert (waits["kind"], waits["member_name"]) == ("event", "Mei")
    lanxi.good(lanxi.bo, "attest", income)
    lanxi.meet()
    lanxi.seal()
    (claim,) = lanxi.json(lanxi.mei, "claims")["claims"]
    assert claim["amount"] == "1000000.00"
    (chest,) = lanxi.json(lanxi.mei, "resource", "list")["resources"]
    assert chest["accounting"] == "1000000"


def test_a_correction_waits_for_who_loses_by_it_and_is_shown_so(lanxi: Commons) -> None:
    given = lanxi.json(lanxi.mei, "record", "transfer", "5", "EUR", "--receiver", "Bo")["id"]
    lanxi.meet()
    back = lanxi.json(lanxi.mei, "correct", given, "2", "EUR")
    assert len(back["waits_for"]) == 1
    lanxi.meet()
    told = lanxi.json(lanxi.ana, "explain", given)
    assert (told["quantity"], told["waiting"]) == ("5", [back["id"]])
    assert "waits for the yes of" in lanxi.good(lanxi.ana, "show", back["id"]).out
    assert "-3 EUR" in lanxi.good(lanxi.ana, "explain", given).out
    assert back["id"] not in {one["id"] for one in lanxi.json(lanxi.ana, "attest")["waits"]}
    first = lanxi.json(lanxi.bo, "attest")["waits"][0]
    assert (first["id"], first["kind"]) == (back["id"], "correction")
    assert "-3 EUR for: transfer 5 EUR" in lanxi.good(lanxi.bo, "attest").out
    lanxi.good(lanxi.bo, "attest", back["id"])
    lanxi.meet()
    told = lanxi.json(lanxi.ana, "explain", given)
    assert (told["quantity"], told["waiting"], told["yes"]) == ("2", [], 1)
    assert lanxi.json(lanxi.ana, "show", back["id"])["waits_for"] == []
