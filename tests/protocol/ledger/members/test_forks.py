"""Forks: what evidence ends, and what of it a vote keeps."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.finality import unsealed
from commonweal.protocol.ledger.members import forks
from commonweal.protocol.ledger.members.forks import KeptRow
from commonweal.protocol.ledger.members.registry import FROZEN
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record, RecordId
from commonweal.protocol.seal.cut import new_records
from tests.protocol.ledger.council import HOUR
from tests.protocol.ledger.workshop import Workshop, hours, paying

ANA, BO = DeviceKey(b"a" * 32), DeviceKey(b"b" * 32)
ONE, TWO = RecordId(b"1" * 32), RecordId(b"2" * 32)


def test_what_is_kept_moves_the_end_by_one_and_an_earlier_fork_takes_it_back() -> None:
    state = State()
    assert forks.is_new(state, ANA, 9)
    forks.end_at(state, ANA, 5)
    assert [seq for seq in range(9) if forks.is_new(state, ANA, seq)] == [0, 1, 2, 3, 4]
    forks.keep(state, ANA, 4, ONE)
    assert forks.kept(state, ANA) is None
    forks.keep(state, ANA, 5, ONE)
    assert forks.every_kept(state) == {ANA: KeptRow(5, ONE)}
    assert state.get(FROZEN + ANA) == 6
    assert [seq for seq in range(9) if forks.is_new(state, ANA, seq)] == [0, 1, 2, 3, 4]
    assert forks.ends_with(state, [(ANA, 5), (BO, 2)]) == {ANA: 6, BO: 2}
    forks.end_at(state, ANA, 3)
    assert forks.kept(state, ANA) is None and state.get(FROZEN + ANA) == 3


def forked(shop: Workshop) -> tuple[Record, Record]:
    """Let Ana write two records at one place, and let evidence of it be sealed."""
    pen = shop.pens["Ana"]
    first = shop.work("Ana", 1)
    pen.log.pop()
    data = {"action": "work", "provider": shop.id("Ana"), "effortQuantity": hours(2)}
    second = pen.write("event", data)
    shop.learn()
    shop.history.freeze(pen.key, first.seq)
    shop.cut()
    return first, second


def about(one: Record, two: Record, keep: Record) -> dict[str, Any]:
    data = {"subject": "fork", "device": one.author, "seq": one.seq, "keep": keep.id}
    return data | {"pair": sorted([one.id, two.id])}


def test_a_vote_keeps_one_of_two_though_both_are_held() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    one, two = forked(shop)
    assert not shop.history.is_final(one.id) and not shop.history.is_final(two.id)
    proposal = shop.mei.write("rules.propose", about(one, two, two), [two, shop.records[-1]])
    shop.say(proposal, "yes", "Mei Jun")
    shop.cut()
    shop.cut(25)
    shop.cut()
    assert shop.status(proposal) == "passed"
    assert shop.history.is_final(two.id) and shop.history.verdict(two.id) is None
    assert not shop.history.is_final(one.id)
    assert shop.history.verdict(one.id) == Reason.LOG_FROZEN
    assert shop.history.next_advance(shop.now_ms + HOUR) is None


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"seq": 1}, Reason.NO_FORK),
        ({"device": BO}, Reason.NO_FORK),
        ({"device": b"b"}, Reason.SHAPE),
        ({"seq": -1}, Reason.SHAPE),
        ({"pair": []}, Reason.SHAPE),
        ({"pair": [ONE, TWO]}, Reason.SHAPE),
        ({"pair": [TWO, ONE]}, Reason.SHAPE),
        ({"pair": None}, Reason.SHAPE),
        ({"keep": b""}, Reason.SHAPE),
    ],
)
def test_a_proposal_about_no_fork_counts_for_nothing(over: dict[str, Any], reason: Reason) -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    one, two = forked(shop)
    data = about(one, two, two) | over
    bad = shop.mei.write("rules.propose", data, [two, shop.records[-1]])
    uncited = shop.mei.write("rules.propose", about(one, two, one))
    shop.learn()
    assert shop.history.verdict(bad.id) == reason
    assert shop.history.verdict(uncited.id) == Reason.NOT_CITED


def test_a_cut_takes_what_fills_it_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Workshop(paying(), "Jun")
    shop.cut()
    for number in range(9):
        shop.work("Jun", number + 1)
    monkeypatch.setattr(unsealed, "FULL_CUT_RECORDS", 4)
    advance = shop.history.next_advance(shop.now_ms)
    assert advance is not None and new_records(shop.history.logs, advance.delta) == 4
    least = {shop.pens["Jun"].key: len(shop.pens["Jun"].log) - 1}
    advance = shop.history.next_advance(shop.now_ms, least=least)
    assert advance is not None and new_records(shop.history.logs, advance.delta) == 8
