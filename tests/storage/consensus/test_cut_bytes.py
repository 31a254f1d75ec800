"""Cuts of large records: full by their bytes, refused when too large, and small in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from commonweal.protocol.errors import Malformed
from commonweal.protocol.ledger.finality import unsealed
from commonweal.protocol.ledger.finality.unsealed import size_of
from commonweal.protocol.ledger.governance import enactment
from commonweal.protocol.records.record import HEADER_VALUES_MAX, RECORD_BYTES_MAX, Record
from commonweal.protocol.seal import validation
from commonweal.protocol.seal.cut import CUT_BYTES_MAX, FULL_CUT_BYTES, new_records
from commonweal.protocol.seal.have_frontiers import HAVE_BYTES_MAX, HaveFrontier
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.consensus import proposals, reader
from commonweal.storage.consensus.proposals import PreparedProposal
from commonweal.storage.ledger.state import finalizer, pending_state
from tests.builders.sealing_nodes import Node, proposal
from tests.protocol.ledger.workshop import Workshop, paying
from tests.storage.consensus.test_proposals import MINUTE, four, seal, signers_of

MAPS = 490
"""Of one byte each in a record, and of 64 in memory: with the rest, the values of one header."""
TEXT_CHARS = 15_500
"""Of one byte each in a record, and of four in memory beside a character that needs four."""


def full_at(size: int, with_: pytest.MonkeyPatch) -> None:
    """Let a cut be full from so many bytes on."""
    for module in (unsealed, validation, proposals):
        with_.setattr(module, "FULL_CUT_BYTES", size)


def offered(shop: Workshop, node: Node, shows: Node) -> tuple[PreparedProposal, list[HaveFrontier]]:
    """Return what a node proposes when all witnesses show what another one has."""
    signers = signers_of(shop)
    seated = witness_devices(node.assessor.outlook().witnesses)
    haves = [shows.have(signers[one]) for one in seated]
    draft = node.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    return draft, haves


@contextmanager
def peak() -> Iterator[list[int]]:
    """Give where the most bytes that were taken inside will stand."""
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def odd(shop: Workshop, number: int, maps: int, chars: int) -> Record:
    data = {"maps": [{}] * maps, "n": number, "text": "\U0001f331" + "x" * chars}
    return shop.write("Bo", "odd", data)


def heavy(shop: Workshop, count: int) -> list[Record]:
    """Write records that are as large as they may be, and much larger once decoded."""
    return [odd(shop, number, MAPS, TEXT_CHARS) for number in range(count)]


def test_what_a_quorum_shows_together_is_no_more_than_a_cut_may_hold() -> None:
    assert 2 * HAVE_BYTES_MAX <= CUT_BYTES_MAX
    assert FULL_CUT_BYTES + RECORD_BYTES_MAX <= CUT_BYTES_MAX - RECORD_BYTES_MAX


def test_a_cut_is_full_by_its_bytes_and_what_it_leaves_out_is_covered_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    written = [shop.work("Jun" if number % 2 else "Bo", number + 1) for number in range(9)]
    for node in nodes:
        node.take(shop.records)
    all_of, _ = offered(shop, nodes[0], nodes[0])
    last = nodes[0].kept.last.logs
    assert new_records(last, all_of.delta) == 9
    size = size_of(written[:4])
    with monkeypatch.context() as small:
        full_at(size, small)
        small.setattr(reader, "HAVE_BYTES_MAX", size)
        draft, haves = offered(shop, nodes[0], nodes[0])
        assert new_records(last, draft.delta) == 4
        small.setattr(reader, "HAVE_BYTES_MAX", HAVE_BYTES_MAX)
        signers = signers_of(shop)
        seated = witness_devices(nodes[0].assessor.outlook().witnesses)
        more = [nodes[1].have(signers[one]) for one in seated]
        made = proposal(signers[seated[0]], draft, more)
        assert nodes[1].assessor.judge(made, shop.now_ms + MINUTE).verdict.timely
    short = nodes[1].assessor.judge(made, shop.now_ms + MINUTE).verdict
    assert short.sound and not short.timely and "leaves out" in short.reason
    with monkeypatch.context() as small:
        full_at(size, small)
        small.setattr(reader, "HAVE_BYTES_MAX", size)
        grown = []
        while nodes[0].assessor.outlook().unsealed:
            before = sum(log.length for log in nodes[0].kept.last.logs.values())
            seal(nodes, shop)
            nodes[0].assessor.outlook()
            grown.append(sum(log.length for log in nodes[0].kept.last.logs.values()) - before)
    assert sum(grown) == 9 and len(grown) > 2, haves


def test_a_cut_with_too_many_bytes_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    for number in range(9):
        shop.work("Bo", number + 1)
    for node in nodes:
        node.take(shop.records)
    draft, haves = offered(shop, nodes[0], nodes[0])
    signers = signers_of(shop)
    made = proposal(next(iter(signers.values())), draft, haves)
    held: list[int] = []
    hold = finalizer.StoredHistory.hold

    def counted(history: finalizer.StoredHistory, records: Iterator[Record]) -> None:
        held.append(1)
        hold(history, records)

    with monkeypatch.context() as small:
        small.setattr(finalizer, "CUT_BYTES_MAX", 1000)
        small.setattr(finalizer.StoredHistory, "hold", counted)
        verdict = nodes[1].assessor.judge(made, shop.now_ms + MINUTE).verdict
        assert not verdict.sound and "more than" in verdict.reason and not held
    with monkeypatch.context() as small:
        small.setattr(unsealed, "CUT_BYTES_MAX", 1000)
        verdict = nodes[1].assessor.judge(made, shop.now_ms + MINUTE).verdict
        assert not verdict.sound and "more than" in verdict.reason
    verdict = nodes[1].assessor.judge(made, shop.now_ms + MINUTE).verdict
    assert verdict.sound and verdict.timely


def test_a_cut_full_by_its_bytes_closes_no_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    shop.work("Bo", 1)
    for node in nodes:
        node.take(shop.records)
    told: list[bool] = []
    decide = enactment._Enactment.decide

    def noted(one: enactment._Enactment) -> None:
        told.append(one.is_full)
        decide(one)

    monkeypatch.setattr(enactment._Enactment, "decide", noted)
    offered(shop, nodes[0], nodes[0])
    with monkeypatch.context() as small:
        full_at(100, small)
        offered(shop, nodes[0], nodes[0])
    assert told == [False, True]


def test_records_that_decode_to_much_are_sealed_and_folded_in_little_memory() -> None:
    """50 of them take 5.7 MB decoded."""
    shop, nodes = four()
    seal(nodes, shop)
    records = heavy(shop, 50)
    first, judge = nodes[:2]
    for node in (first, judge):
        node.take(shop.records)
    of = size_of(records)
    with peak() as built:
        draft, haves = offered(shop, first, first)
    made = proposal(next(iter(signers_of(shop).values())), draft, haves)
    with peak() as judged:
        assert judge.assessor.judge(made, shop.now_ms + MINUTE).verdict.sound
    with peak() as folded:
        judge.kept.refresh()
    assert of > 750_000 and max(*built, *judged) < 2_500_000, (built, judged)
    assert folded[0] < 6_500_000, folded


@pytest.mark.parametrize("maps", [HEADER_VALUES_MAX, 16_000])
def test_no_record_decodes_to_more(maps: int) -> None:
    with pytest.raises(Malformed, match="512"):
        odd(Workshop(paying(), "Bo"), 1, maps, 0)


def test_what_is_not_sealed_is_folded_in_portions_of_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, nodes = four()
    first = nodes[0]
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 4)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 2)
    monkeypatch.setattr(pending_state, "PORTION_BYTES_MAX", 5 * 1000)
    for number in range(40):
        shop.work("Bo", number + 1)
    first.take(shop.records)
    sizes: list[int] = []
    run = pending_state.PendingOverlay._folded

    def counted(self: pending_state.PendingOverlay, *args: object) -> object:
        before = self._records
        ledger = run(self, *args)  # type: ignore[arg-type]
        sizes.append(self._records - before)
        return ledger

    monkeypatch.setattr(pending_state.PendingOverlay, "_folded", counted)
    first.kept.refresh()
    assert sum(sizes) >= 40 and max(sizes) <= 20, sizes


def test_what_is_asked_for_is_covered_up_to_what_a_cut_may_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Workshop(paying(), "Bo")
    shop.cut()
    written = [shop.work("Bo", number + 1) for number in range(30)]
    shop.history.add(written)
    monkeypatch.setattr(unsealed, "FULL_CUT_BYTES", size_of(written[:5]))
    monkeypatch.setattr(unsealed, "RECORD_BYTES_MAX", len(written[-1].wire))
    monkeypatch.setattr(unsealed, "CUT_BYTES_MAX", size_of(written[:11]) - 1)
    asked = {written[0].author: written[-1].seq + 1}
    for least, count in (({}, 5), (asked, 10)):
        advance = shop.history.next_advance(shop.now_ms + MINUTE, least=least)
        assert advance is not None
        assert new_records(shop.history.logs, advance.delta) <= count
        assert new_records(shop.history.logs, advance.delta) >= count - 1
        assert not shop.history.covered(advance).missing
