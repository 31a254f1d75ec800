"""`weal record` with all that an event can say, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import Commons
from tests.builders.weal import weal


def data_of(lanxi: Commons, home: Home, *typed: str) -> dict[str, Any]:
    """Record something; return the data of the record."""
    made = lanxi.json(home, "record", *typed)
    shown: dict[str, Any] = lanxi.json(home, "show", made["id"])["data"]
    return shown


def things(lanxi: Commons, home: Home) -> dict[tuple[str, str], tuple[str, str]]:
    """Return what there is in the books and on hand, by name and owner."""
    rows = lanxi.json(home, "resource", "list")["resources"]
    return {
        (row["name"], row["accountable_name"]): (row["accounting"], row["onhand"]) for row in rows
    }


def test_a_thing_is_made_moved_and_changed(lanxi: Commons) -> None:
    mei = lanxi.mei
    lanxi.good(mei, "record", "produce", "10", "kg", "--new-resource", "bread")
    lanxi.good(
        mei, *("record", "transfer", "4", "kg", "--resource", "bread"), "--new-resource",
        *("--receiver", "Bo"),
    )  # fmt: skip
    assert things(lanxi, mei) == {("bread", "Mei"): ("6", "6"), ("bread", "Bo"): ("4", "4")}
    bos = next(
        row["id"]
        for row in lanxi.json(mei, "resource", "list")["resources"]
        if row["accountable_name"] == "Bo"
    )
    lanxi.good(
        mei, *("record", "transfer", "1", "kg", "--resource", "bread", "--to-resource", bos[:8]),
        *("--receiver", "Bo"),
    )  # fmt: skip
    assert things(lanxi, mei)["bread", "Bo"] == ("5", "5")
    lanxi.good(mei, "record", "produce", "2", "kg", "--new-resource", "bread")
    lanxi.meet()
    ambiguous = lanxi.refused(mei, "record", "consume", "1", "kg", "--resource", "bread")
    assert "More than one here begins like this" in ambiguous.err
    lanxi.good(lanxi.bo, "record", "consume", "1", "kg", "--resource", "bread")
    assert things(lanxi, lanxi.bo)["bread", "Bo"] == ("4", "4")


def test_what_an_event_says_is_in_its_record(lanxi: Commons) -> None:
    mei, agent = lanxi.mei, b"a person outside"
    hour: Value = {"n": 1, "scale": 0, "unit": "hour"}
    work: dict[str, Value] = {"action": "work", "provider": agent, "effortQuantity": hour}
    (process,) = (record["id"] for record in homes.write(mei, Wish("process", {})))
    homes.write(mei, Wish("event", work))
    crate = lanxi.json(mei, "resource", "new", "crate", "1", "piece")["id"]
    pears = lanxi.json(mei, "resource", "new", "pears", "5", "pieces")["id"]
    used = data_of(
        lanxi, mei, *("use", "1", "piece", "--effort", "3", "hours", "--resource", "crate"),
        *("--factor", "technology", "--input-of", process.hex()[:8], "--when", "2026-09-21"),
        *("--state", "worn", "--scope", "orchard", "--spec", "crate"),
    )  # fmt: skip
    assert used["effortQuantity"] == {"n": 3, "scale": 0, "unit": "hour"}
    assert used["resourceInventoriedAs"] == crate and used["inputOf"] == process.hex()
    assert (used["factor"], used["state"], used["inScopeOf"]) == ("technology", "worn", "orchard")
    assert used["hasPointInTime"] == "2026-09-21"
    lanxi.good(
        mei, *("record", "combine", "2", "pieces", "--resource", "pears"),
        *("--contained-in", "crate", "--input-of", process.hex()),
    )  # fmt: skip
    assert lanxi.json(mei, "resource", "show", pears)["onhand"] == "3"
    paid = data_of(
        lanxi, mei, *("transfer", "5", "EUR", "--provider", agent.hex()[:8]),
        *("--receiver", "community", "--new-resource"),
    )  # fmt: skip
    assert paid["provider"] == agent.hex()
    assert paid["receiver"] == lanxi.json(mei, "status")["community"]
    placed = data_of(
        lanxi, mei, *("produce", "1", "piece", "--resource", "crate", "--location", "barn")
    )
    assert placed["atLocation"] == "barn"
    assert lanxi.json(mei, "resource", "show", crate)["location"] == "barn"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (("work", "1", "hour", "--factor", "magic"), "they have labour, capital"),
        (("work", "1", "hour", "--when", "3026-01-01"), "It is not that date anywhere yet"),
        (("work", "1", "hour", "--when", "soon"), "The time cannot be read"),
        (("work", "1", "hour", "--provider", "Nobody"), "Nothing here has this name or id"),
        (("work", "1", "hour", "--resource", "spade"), "Nothing here has this name or id"),
        (("work", "1", "hour", "--input-of", "baking"), "Nothing here has this name or id"),
        (("work", "1", "hour", "--spec", "spade"), "Nothing here has this name or id"),
        (("work", "1", "hour", "--fulfills", "abcdef"), "Nothing here has this name or id"),
        (("work", "1", "hour", "--new-resource"), "the action begins no resource here"),
        (("work", "1", "hour", "--effort", "1", "hour"), "the effort is given twice"),
        (("produce", "1", "kg", "--new-resource", "a", "--spec", "a"), "Nothing here has this"),
        (("produce", "1", "kg", "--new-resource", "pe\u200bar"), "does not have the form"),
        (("produce", "1", "piece", "--new-resource", "a" * 65), "does not have the form"),
        (("raise", "1", "kg", "--location", "barn"), "the action raise does not set it"),
        (("work", "1", "hour", "--state", "tired"), "the action work does not set it"),
        (("raise", "1", "kg", "--new-resource", "pear", "--state", "x" * 33), "a state or a place"),
        (("raise", "1", "kg", "--new-resource", "pear", "--state", ""), "a state or a place"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_written(
    lanxi: Commons, typed: tuple[str, ...], reason: str
) -> None:
    assert reason in lanxi.refused(lanxi.mei, "record", *typed).err


def test_a_member_called_community_is_not_the_community(lanxi: Commons) -> None:
    data = data_of(lanxi, lanxi.mei, "work", "1", "hour", "--receiver", "社群")
    assert data["receiver"] == lanxi.json(lanxi.mei, "status")["community"]


def test_a_former_member_is_named_by_id_only(lanxi: Commons) -> None:
    lanxi.good(lanxi.ana, "leave", "--yes")
    lanxi.meet()
    assert "former member" in lanxi.refused(lanxi.mei, "record", "work", "1", "hour",
                                            "--receiver", "Ana").err  # fmt: skip


def test_the_name_of_a_new_resource_may_be_left_out() -> None:
    assert "[NAME]" in weal("record", "--help").out
