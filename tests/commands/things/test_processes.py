"""Processes, kinds of things and agents outside, typed."""

from __future__ import annotations

from tests.builders.commons import Commons


def test_a_process_takes_gives_and_ends(lanxi: Commons) -> None:
    mei, bo = lanxi.mei, lanxi.bo
    made = lanxi.json(mei, "process", "new", "baking", "--scope", "oven", "--note", "Sunday")
    lanxi.good(mei, "record", "work", "2", "hours", "--input-of", "baking")
    lanxi.good(
        mei, *("record", "produce", "3", "kg", "--new-resource", "bread", "--output-of", "oven")
    )
    (row,) = lanxi.json(mei, "process", "list")["processes"]
    assert (row["id"], row["name"], row["scope"]) == (made["id"], "baking", "oven")
    assert (row["inputs"], row["outputs"], row["ended"], row["note"]) == (1, 1, False, "Sunday")
    (bread,) = lanxi.json(mei, "resource", "list")["resources"]
    assert bread["stage"] == "baking"
    lanxi.meet()
    assert "the author has no right to this" in lanxi.refused(bo, "process", "end", "baking").err
    lanxi.good(mei, "process", "end", "baking")
    assert lanxi.json(mei, "process", "list")["processes"] == []
    (row,) = lanxi.json(mei, "process", "list", "--all")["processes"]
    assert row["ended"] is True
    lanxi.meet()
    for home in (mei, bo):
        late = lanxi.refused(home, "record", "work", "1", "hour", "--input-of", "baking")
        assert "the process has ended" in late.err
    lanxi.good(mei, "process", "new", "baking")
    lanxi.good(mei, "record", "work", "1", "hour", "--input-of", "baking")
    assert "baking" in lanxi.good(mei, "process", "list").out


def test_two_processes_of_one_name_are_named_by_id(lanxi: Commons) -> None:
    first = lanxi.json(lanxi.mei, "process", "new", "baking")["id"]
    lanxi.good(lanxi.mei, "process", "new", "baking")
    refused = lanxi.refused(lanxi.mei, "record", "work", "1", "hour", "--input-of", "baking")
    assert first[:16] in refused.err
    lanxi.good(lanxi.mei, "record", "work", "1", "hour", "--input-of", first[:8])


def test_a_kind_of_thing_says_how_it_is_counted(lanxi: Commons) -> None:
    mei = lanxi.mei
    lanxi.good(
        mei, *("spec", "resource", "lathe", "--unit", "piece", "--effort-unit", "hour"),
        *("--factor", "technology"),
    )  # fmt: skip
    lanxi.good(mei, "spec", "process", "turning")
    listed = lanxi.json(mei, "spec", "list")["specifications"]
    assert [(row["sort"], row["name"]) for row in listed] == [
        ("process", "turning"),
        ("resource", "lathe"),
    ]
    assert (listed[1]["unit"], listed[1]["effort_unit"]) == ("one", "hour")
    assert (listed[1]["factor"], listed[1]["member_name"]) == ("technology", "Mei")
    lanxi.good(mei, "resource", "new", "lathe", "1", "piece")
    wrong = lanxi.refused(mei, "record", "use", "2", "kg", "--spec", "lathe")
    assert "the unit is not that of the resource or its specification" in wrong.err
    lanxi.good(mei, "record", "use", "90", "minutes", "--spec", "lathe", "--resource", "lathe")
    (used,) = lanxi.json(mei, "ledger", "--limit", "1")["records"]
    assert (used["quantity"], used["unit"]) == ("1.5", "hour")
    assert "lathe" in lanxi.good(mei, "spec", "list").out


def test_somebody_outside_has_a_name_until_it_is_erased(lanxi: Commons) -> None:
    mei, bo = lanxi.mei, lanxi.bo
    named = lanxi.json(mei, "agent", "new", "Corner Shop")
    lanxi.good(mei, "income", "90", "EUR", "--payer", "Corner Shop")
    lanxi.meet()
    (row,) = lanxi.json(bo, "agent", "list")["agents"]
    assert (row["agent"], row["name"], row["events"]) == (named["agent"], "Corner Shop", 1)
    lanxi.good(bo, "record", "work", "1", "hour", "--receiver", "Corner Shop")
    (worked,) = lanxi.json(bo, "ledger", "--limit", "1")["records"]
    assert worked["receiver"] == named["agent"]
    assert "outside: Corner Shop" in lanxi.good(bo, "explain", worked["id"][:12]).out
    theirs = lanxi.refused(bo, "agent", "name", "Corner Shop", "Thieves")
    assert "the author has no right to this" in theirs.err
    lanxi.good(mei, "agent", "name", "Corner Shop", "Shop at the corner")
    assert lanxi.json(mei, "agent", "list")["agents"][0]["name"] == "Shop at the corner"
    renamed = lanxi.json(mei, "agent", "name", named["agent"], "Shop")
    lanxi.good(mei, "erase", renamed["id"], "--yes")
    assert lanxi.json(mei, "agent", "list")["agents"][0]["name"] is None


def test_two_agents_of_one_name_are_named_by_id(lanxi: Commons) -> None:
    agents = [lanxi.json(lanxi.mei, "agent", "new", "Shop")["agent"] for _ in range(2)]
    refused = lanxi.refused(lanxi.mei, "income", "90", "EUR", "--payer", "Shop")
    assert all(agent[:16] in refused.err for agent in agents)


def test_a_member_says_once_who_brought_them(lanxi: Commons) -> None:
    made = lanxi.json(lanxi.bo, "referral", "Mei")
    assert made["referrer"] == lanxi.json(lanxi.mei, "status")["member"]
    again = lanxi.refused(lanxi.bo, "referral", "Ana")
    assert "the member already said who brought them here" in again.err
    lanxi.meet()
    assert "cannot lead back" in lanxi.refused(lanxi.mei, "referral", "Bo").err


def test_income_that_no_pool_takes_says_so(lanxi: Commons) -> None:
    said = lanxi.good(lanxi.mei, "income", "90", "USD").out
    assert "No pool of the rules takes it" in said
    assert "No pool" not in lanxi.good(lanxi.mei, "income", "90", "EUR").out
