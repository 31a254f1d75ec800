"""What counts for nothing all the same, since another device was quicker: the ledger marks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.state.rejections import Reason
from tests.builders import homes
from tests.builders.commons import Commons


@pytest.fixture
def lanxi(tmp_path: Path) -> Commons:
    return Commons(tmp_path)


def test_the_ledger_marks_what_counts_for_nothing_and_leaves_it_out_of_the_total(
    lanxi: Commons,
) -> None:
    good = lanxi.json(lanxi.mei, "record", "work", "3", "hours")["id"]
    crates: Value = {"n": 3, "scale": 0, "unit": "crate"}
    data: dict[str, Value] = {"action": "produce", "provider": bytes(32)}
    (void,) = homes.write(lanxi.mei, Wish("event", {**data, "resourceQuantity": crates}))
    listed = lanxi.json(lanxi.mei, "ledger")
    assert listed["total"] == 1
    rows = {row["id"]: row for row in listed["records"]}
    assert rows[good]["why"] is None
    assert rows[void["id"].hex()]["why"] == Reason.UNKNOWN_UNIT
    shown = lanxi.good(lanxi.mei, "ledger").out
    assert "counts for nothing" in shown and Reason.UNKNOWN_UNIT in shown
    assert "1 record, provisional" in shown


def test_of_two_who_take_the_same_thing_at_once_the_ledger_says_who_was_late(
    lanxi: Commons,
) -> None:
    thing = lanxi.json(lanxi.mei, "resource", "new", "flour", "5", "kg")["id"]
    lanxi.meet()
    me = bytes.fromhex(lanxi.json(lanxi.mei, "status")["member"])
    data: dict[str, Value] = {
        "action": "consume",
        "provider": me,
        "resourceInventoriedAs": bytes.fromhex(thing),
        "resourceQuantity": {"n": 4, "scale": 0, "unit": "kilogram"},
    }
    wish = Wish("event", data)
    homes.write(lanxi.mei, wish)
    (late,) = homes.write(lanxi.mei, wish)
    rows = {row["id"]: row for row in lanxi.json(lanxi.mei, "ledger")["records"]}
    assert rows[late["id"].hex()]["why"] == Reason.NOT_ENOUGH
    assert sum(row["why"] is None for row in rows.values()) == 2
