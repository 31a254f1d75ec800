"""Things that are lent and given back, and the pairs of actions, typed."""

from __future__ import annotations

from commonweal.storage.home.home import Home
from tests.builders.commons import Commons


def on_hand(lanxi: Commons, home: Home) -> dict[tuple[str, str], str]:
    """Return how much of each thing is on hand, by its name and who has it."""
    rows = lanxi.json(home, "resource", "list")["resources"]
    return {(row["name"], row["custodian_name"]): row["onhand"] for row in rows}


def test_what_is_lent_comes_back_to_its_owner(lanxi: Commons) -> None:
    mei, bo = lanxi.mei, lanxi.bo
    lanxi.good(mei, "resource", "new", "chairs", "6", "pieces")
    lent = lanxi.json(mei, "resource", "lend", "chairs", "Bo", "4", "pieces")
    assert (lent["resource"], lent["waits"]) == (lent["id"], False)
    lanxi.meet()
    assert on_hand(lanxi, bo) == {("chairs", "Mei"): "2", ("chairs", "Bo"): "4"}
    (bos,) = [
        row for row in lanxi.json(bo, "resource", "list")["resources"] if row["onhand"] == "4"
    ]
    assert (bos["accountable_name"], bos["accounting"]) == ("Mei", "0")
    too_many = lanxi.refused(bo, "resource", "return", "chairs", "5", "pieces")
    assert "there is not so much of the resource" in too_many.err
    lanxi.good(bo, "resource", "return", "chairs", "1", "piece")
    lanxi.meet()
    assert on_hand(lanxi, mei) == {("chairs", "Mei"): "3", ("chairs", "Bo"): "3"}
    back = lanxi.good(mei, "resource", "return", "chairs")
    assert "Back with Mei" in back.out
    assert on_hand(lanxi, mei) == {("chairs", "Mei"): "6", ("chairs", "Bo"): "0"}
    for again in (("return", "chairs"), ("lend", "chairs", "Bo", "0", "pieces")):
        refused = lanxi.refused(mei, "resource", *again)
        assert "there is not so much of the resource" in refused.err


def test_what_is_lent_on_comes_back_by_the_same_way(lanxi: Commons) -> None:
    mei, bo, ana = lanxi.all
    lanxi.good(mei, "resource", "new", "saw", "1", "piece")
    lanxi.good(mei, "resource", "lend", "saw", "Bo")
    lanxi.meet()
    lanxi.good(bo, "resource", "lend", "saw", "Ana")
    lanxi.meet()
    assert on_hand(lanxi, ana)["saw", "Ana"] == "1"
    anas = next(
        row["id"]
        for row in lanxi.json(ana, "resource", "list")["resources"]
        if row["custodian_name"] == "Ana"
    )
    assert "Back with Bo" in lanxi.good(ana, "resource", "return", anas[:8]).out
    lanxi.meet()
    assert on_hand(lanxi, bo)["saw", "Bo"] == "1"


def test_what_was_not_lent_is_not_returned(lanxi: Commons) -> None:
    lanxi.good(lanxi.mei, "resource", "new", "saw", "1", "piece")
    assert "was not lent" in lanxi.refused(lanxi.mei, "resource", "return", "saw").err


def test_what_is_the_communitys_is_lent_once_another_attests_it(lanxi: Commons) -> None:
    mei, bo = lanxi.mei, lanxi.bo
    made = lanxi.json(mei, "resource", "new", "cart", "1", "piece", "--common")
    lanxi.meet()
    lanxi.good(bo, "attest", made["id"])
    lent = lanxi.json(bo, "resource", "lend", made["id"], "Ana")
    assert lent["waits"] is True
    lanxi.meet()
    lanxi.good(mei, "attest", lent["id"])
    assert on_hand(lanxi, mei) == {("cart", "the community"): "0", ("cart", "Ana"): "1"}


def test_a_repair_takes_a_thing_in_and_gives_it_back_mended(lanxi: Commons) -> None:
    mei = lanxi.mei
    lanxi.good(mei, "resource", "new", "bicycle", "1", "piece")
    lanxi.good(mei, "process", "new", "repair")
    once = ("record", "accept", "1", "piece", "--resource", "bicycle", "--input-of", "repair")
    lanxi.good(mei, *once)
    assert on_hand(lanxi, mei)["bicycle", "Mei"] == "0"
    back = ("record", "modify", "1", "piece", "--resource", "bicycle", "--output-of", "repair")
    lanxi.good(mei, *back, "--state", "mended")
    (bicycle,) = lanxi.json(mei, "resource", "list")["resources"]
    assert (bicycle["onhand"], bicycle["state"], bicycle["stage"]) == ("1", "mended", "repair")
    assert lanxi.refused(mei, *back).code == 77


def test_a_delivery_picks_up_and_drops_off_elsewhere(lanxi: Commons) -> None:
    mei = lanxi.mei
    lanxi.good(mei, "resource", "new", "box", "3", "pieces")
    lanxi.good(mei, "process", "new", "delivery")
    lanxi.good(
        mei, *("record", "pickup", "3", "pieces", "--resource", "box", "--input-of", "delivery")
    )
    lanxi.good(
        mei, *("record", "dropoff", "3", "pieces", "--resource", "box", "--output-of", "delivery"),
        *("--location", "harbour"),
    )  # fmt: skip
    (box,) = lanxi.json(mei, "resource", "list")["resources"]
    assert (box["onhand"], box["location"]) == ("3", "harbour")


def test_what_is_packed_is_unpacked(lanxi: Commons) -> None:
    mei = lanxi.mei
    for name in ("crate", "lamp"):
        lanxi.good(mei, "resource", "new", name, "1", "piece")
    lanxi.good(
        mei, *("record", "combine", "1", "piece", "--resource", "lamp", "--contained-in", "crate")
    )
    assert on_hand(lanxi, mei)["lamp", "Mei"] == "0"
    lanxi.good(mei, "record", "separate", "1", "piece", "--resource", "lamp")
    assert on_hand(lanxi, mei)["lamp", "Mei"] == "1"
