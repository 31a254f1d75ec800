"""Processes that end, and names of agents outside."""

from __future__ import annotations

from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records import record as records
from tests.protocol.ledger.bakery import Bakery, amount, effort


def test_a_process_that_has_ended_takes_and_gives_no_more() -> None:
    bakery = Bakery()
    process = bakery.jun.write("process", {}, [bakery.book])
    named = {"inputOf": process.id}
    before = bakery.event(bakery.lin, "work", named | effort(2), process)
    end = {"process": process.id}
    for data, reason in (
        ({}, Reason.SHAPE),
        ({"process": bytes(31)}, Reason.SHAPE),
        ({"process": bytes(32)}, Reason.UNKNOWN_PROCESS),
    ):
        assert bakery.verdict(bakery.jun.write("process.end", data)) == reason
    assert bakery.verdict(bakery.lin.write("process.end", end, [process])) == Reason.NOT_YOURS
    ended = bakery.jun.write("process.end", end, [before])
    assert bakery.verdict(ended) is None
    assert bakery.verdict(bakery.jun.write("process.end", end)) == Reason.PROCESS_ENDED
    for action, data in (
        ("work", named | effort(1)),
        ("produce", {"outputOf": process.id} | amount(1)),
    ):
        late = bakery.event(bakery.lin, action, data, ended)
        assert bakery.verdict(late) == Reason.PROCESS_ENDED
    less = bakery.event(bakery.lin, "work", {"corrects": before.id} | effort(-1), ended)
    assert bakery.verdict(less) is None


def test_an_agent_outside_has_the_name_that_its_first_namer_gave() -> None:
    bakery = Bakery()
    text = records.erasable_body(bytes(records.SALT_BYTES), "text/plain", b"Shop")[1]
    shop = {"agent": b"s" * 16}
    first = bakery.jun.write("agent.name", shop, [bakery.book], body=text)
    assert bakery.verdict(first) is None
    for author, data, body, reason in (
        (bakery.lin, shop, text, Reason.NOT_YOURS),
        (bakery.jun, shop, None, Reason.SHAPE),
        (bakery.jun, {"agent": bytes(32)}, text, Reason.SHAPE),
        (bakery.jun, {}, text, Reason.SHAPE),
    ):
        named = author.write("agent.name", data, [first], body=body)
        assert bakery.verdict(named) == reason
    again = bakery.jun.write("agent.name", shop, body=text)
    row = bakery.ledger().state.get(agents.AGENT_NAME + shop["agent"])
    assert row == [bakery.jun.owner.id, again.id]
