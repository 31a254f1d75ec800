"""What counts for nothing stands in the state: seals commit to it, and who takes a state has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from commonweal.protocol import codec
from commonweal.protocol.errors import WrongState
from commonweal.protocol.ledger.finality import history
from commonweal.protocol.ledger.state.rejections import REFUSED, Reason, put_refused, refused
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.consensus.snapshots import Snapshots
from tests.builders.sealing_nodes import Node, proposal, sealed_height
from tests.protocol.ledger.workshop import Workshop
from tests.storage.consensus.test_proposals import MINUTE, four, seal, signers_of
from tests.storage.consensus.test_snapshots import Past, handed_out

REASONS = "SELECT id, reason FROM refused WHERE layer = 0 ORDER BY id"


@pytest.fixture(scope="module")
def past() -> tuple[Past, Record]:
    """A community of which a node sealed a record that counts for nothing."""
    shop = Past()
    shop.work("Jun", 3, by="Ana")
    void = shop.work("Jun", 1, provider=b"\x09" * 32)
    shop.seal_all()
    return shop, void


def newcomer(shop: Past) -> Node:
    node = Node(shop.community, shop.documents)
    node.take(shop.records[:1])
    for kept in shop.chain:
        node.put(kept.sealed, kept)
    return node


def test_who_takes_a_state_knows_what_counts_for_nothing_before_any_record_comes(
    past: tuple[Past, Record],
) -> None:
    shop, void = past
    late = newcomer(shop)
    offer, chunks = handed_out(shop.here)
    for number, data in enumerate(chunks):
        Snapshots(late.kept).take(offer, number, data)
    assert late.store.record(void.id) is None
    assert late.kept.final.get(REFUSED + void.id) == "UNKNOWN_AGENT"
    assert late.kept.verdict(void) == shop.here.kept.verdict(void) == Reason.UNKNOWN_AGENT
    assert late.layers.rows(REASONS) == shop.here.layers.rows(REASONS) != []


Lie = Callable[[list[list[bytes]], int], None]


def other_reason(listed: list[list[bytes]], place: int) -> None:
    listed[place][1] = codec.encode("SHAPE")


def no_refusal(listed: list[list[bytes]], place: int) -> None:
    del listed[place]


def one_more(listed: list[list[bytes]], place: int) -> None:
    listed.insert(place, [listed[place][0][:-1] + b"\x00", listed[place][1]])


@pytest.mark.parametrize("lie", [other_reason, no_refusal, one_more])
def test_a_state_that_lies_about_a_refusal_is_not_taken(
    past: tuple[Past, Record], lie: Lie
) -> None:
    shop, void = past
    late = newcomer(shop)
    offer, chunks = handed_out(shop.here)
    for number, data in enumerate(chunks):
        fields: Any = codec.decode(data)
        beside, listed = fields
        keys = [pair[0] for pair in listed]
        if REFUSED + void.id in keys:
            lie(listed, keys.index(REFUSED + void.id))
            with pytest.raises(WrongState):
                Snapshots(late.kept).take(offer, number, codec.encode([beside, sorted(listed)]))
            break
        Snapshots(late.kept).take(offer, number, data)
    else:
        pytest.fail("a chunk has the refusal")
    assert late.kept.cut.height == 0 and late.layers.rows(REASONS) == []


def lying(shop: Workshop, node: Node, patch: pytest.MonkeyPatch, record: Record) -> Any:
    """Return a proposal of a witness that refuses one record more than the fold does."""

    def conclude(self: history.History, *given: Any) -> Any:
        outcome = plain(self, *given)
        over = State()
        put_refused(over, record.id, Reason.NOT_YOURS)
        changes = sorted([*outcome.changes, *over.changes()])
        return replace(outcome, changes=tuple(changes))

    signers, plain = signers_of(shop), history.History.conclude
    seated = witness_devices(node.assessor.outlook().witnesses)
    haves = [node.have(signers[one]) for one in seated]
    with patch.context() as lies:
        lies.setattr(history.History, "conclude", conclude)
        draft = node.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    return draft, haves


def test_a_witness_that_seals_a_refusal_that_is_none_is_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, (liar, judge, other, *_) = four()
    good = next(record for record in reversed(shop.records) if record.kind == "event")
    draft, haves = lying(shop, liar, monkeypatch, good)
    made = proposal(signers_of(shop)[haves[0].device], draft, haves)
    verdict = judge.assessor.judge(made, shop.now_ms + MINUTE).verdict
    assert (verdict.sound, "another state root" in verdict.reason) == (False, True)
    witnesses = judge.assessor.outlook().witnesses
    kept = sealed_height(shop.community, draft, witnesses, signers_of(shop))
    other.put(kept.sealed, kept)
    assert "another state root" in other.assessor.outlook().alarm, "even if a quorum lied"


def test_a_refusal_that_was_sealed_stays_and_is_written_once() -> None:
    shop, nodes = four()
    void = shop.work("Bo", 1, provider=b"\x09" * 32)
    for node in nodes:
        node.take(shop.records)
        node.kept.refresh()
        assert node.kept.verdict(void) == Reason.UNKNOWN_AGENT
        assert node.kept.final.get(REFUSED + void.id) is None, "no seal covers it"
    seal(nodes, shop)
    shop.work("Bo", 5)
    for node in nodes:
        node.take(shop.records)
    seal(nodes, shop)
    for node in nodes:
        assert [*refused(node.kept.final.items(REFUSED))] == [(void.id, Reason.UNKNOWN_AGENT)]


def test_a_state_with_a_reason_that_is_none_is_not_read() -> None:
    with pytest.raises(WrongState, match="no reason"):
        [*refused([(REFUSED + bytes(32), "BAD_LUCK")])]
    assert [*refused([(REFUSED + bytes(32), None), (b"e" + bytes(32), [])])] == []
