"""An income that is traced, typed: who ground and who baked, each by the part that was used."""

from __future__ import annotations

from pathlib import Path

from tests.builders.commons import RULES, Commons

TRACED = RULES + "trace = true\n"


def test_the_miller_has_half_of_a_bread_of_one_kilogram(lanxi: Commons, tmp_path: Path) -> None:
    mei, bo, ana = lanxi.all
    lanxi.adopt(TRACED, tmp_path)
    lanxi.good(mei, "process", "new", "milling")
    milled = lanxi.json(mei, "record", "work", "100", "hours", "--input-of", "milling")["id"]
    lanxi.good(
        mei,
        *("record", "produce", "100", "kg", "--new-resource", "flour", "--output-of", "milling"),
    )
    lanxi.good(mei, "process", "new", "baking")
    lanxi.good(mei, "record", "consume", "1", "kg", "--resource", "flour", "--input-of", "baking")
    lanxi.meet()
    baked = lanxi.json(bo, "record", "work", "1", "hour", "--input-of", "baking")["id"]
    lanxi.good(
        bo, *("record", "produce", "1", "piece", "--new-resource", "bread", "--output-of", "baking")
    )
    (bread,) = [
        row["id"]
        for row in lanxi.json(bo, "resource", "list")["resources"]
        if row["name"] == "bread"
    ]
    came = lanxi.json(bo, "income", "100.02", "EUR", "--earned-by", bread[:12])["id"]
    lanxi.meet()
    lanxi.good(ana, "attest", milled[:12], baked[:12], came[:12])
    lanxi.seal()
    shares = lanxi.json(ana, "shares")["shares"]
    assert {row["member_name"]: row["amount"] for row in shares} == {"Mei": "50.01", "Bo": "50.01"}
    lines = lanxi.json(ana, "shares", "--lines")["lines"]
    line = next(row["line"] for row in lines if row["member_name"] == "Mei")
    why = lanxi.good(ana, "explain", line).out
    assert "1,000 of 2,000 of 100.02 EUR" in why
    assert "= 100,000 points, 1,000 of them for the part that was used" in why
    other = next(row["line"] for row in lines if row["member_name"] == "Bo")
    assert "part that was used" not in lanxi.good(ana, "explain", other).out


def test_what_is_given_back_was_taken(lanxi: Commons) -> None:
    lanxi.good(lanxi.mei, "resource", "new", "bicycle", "1", "piece")
    lanxi.good(lanxi.mei, "process", "new", "mending")
    of = ("--resource", "bicycle")
    for action, side in (("modify", ("--output-of", "mending")), ("separate", ())):
        refused = lanxi.refused(lanxi.mei, "record", action, "1000", "piece", *of, *side)
        assert "more would be given back than was taken" in refused.err
    lanxi.good(lanxi.mei, "record", "accept", "1", "piece", *of, "--input-of", "mending")
    unnamed = lanxi.refused(lanxi.mei, "record", "modify", "1", "piece", *of)
    assert "in the same process" in unnamed.err
    lanxi.good(lanxi.mei, "record", "modify", "1", "piece", *of, "--output-of", "mending")
    (row,) = lanxi.json(lanxi.mei, "resource", "list")["resources"]
    assert (row["accounting"], row["onhand"]) == ("1", "1")
