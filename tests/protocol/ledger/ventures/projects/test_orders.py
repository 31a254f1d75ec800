"""In whatever order the records of projects come, all nodes come to one state."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.fellowship import Fellowship


@cache
def busy() -> Fellowship:
    """Return a fellowship with two projects of look-alike names, tasks, money and a vote."""
    shop = Fellowship()
    press = shop.open("Jun")
    shop.open("Ana", "Press", split="points")
    shop.enter(press, "Ana", "Bo")
    task = shop.task("Jun")
    shop.take(task, "Mei", 3)
    shop.work("Ana", 2, by="Bo", inScopeOf="press")
    shop.earn(1_000, inScopeOf="press")
    shop.leave(press, "Bo")
    vote = shop.end(press, "Jun")
    shop.say(vote, "yes", "Ana Jun")
    shop.write("Ana", "member.leave", {})
    return shop


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_order_of_arrival_does_not_matter(data: st.DataObject) -> None:
    shop = busy()
    records: list[Record] = data.draw(st.permutations(shop.records))
    history = History(shop.community)
    history.add_documents(shop.documents)
    at = data.draw(st.integers(0, len(records)))
    history.add(records[:at])
    assert history.state is not None
    history.add(records[at:])
    straight = History(shop.community)
    straight.add_documents(shop.documents)
    straight.add(shop.records)
    assert history.state.to_bytes() == straight.state.to_bytes()
    assert all(history.verdict(one.id) == straight.verdict(one.id) for one in records)
