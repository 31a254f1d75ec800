"""Limits of what is shown, covered and written in a proposal."""

from __future__ import annotations

import pytest

from commonweal.protocol.ledger.checkpoint import roots
from commonweal.protocol.ledger.finality import unsealed
from commonweal.protocol.seal import validation
from commonweal.protocol.seal.cut import new_records
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.consensus import proposals, reader
from tests.builders.sealing_nodes import proposal
from tests.protocol.ledger.workshop import Workshop, paying
from tests.storage.consensus.test_proposals import (
    MINUTE,
    four,
    node_of,
    seal,
    signers_of,
)


def test_what_is_shown_keeps_to_the_limits_and_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    for number in range(6):
        shop.work("Jun", number + 1, by="Ana")
    node = node_of(shop)
    for most in range(1, len(shop.records)):
        monkeypatch.setattr(reader, "HAVE_RECORDS_MAX", most)
        shown = {log.author: log.length for log in node.assessor.shown()}
        assert 0 < sum(shown.values()) <= most
        inside = {one.id for one in shop.records if one.seq < shown.get(one.author, 0)}
        for one in shop.records:
            assert one.id not in inside or inside.issuperset(one.deps)
    monkeypatch.setattr(reader, "have_logs_max", lambda _: 2)
    assert len(node.assessor.shown()) <= 2


def test_a_proposal_is_full_before_it_is_too_large_to_judge_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    for number in range(9):
        shop.work("Jun" if number % 2 else "Bo", number + 1)
    for node in nodes:
        node.take(shop.records)
    monkeypatch.setattr(unsealed, "FULL_CUT_RECORDS", 4)
    monkeypatch.setattr(proposals, "FULL_CUT_RECORDS", 4)
    monkeypatch.setattr(validation, "FULL_CUT_RECORDS", 4)
    signers, first = signers_of(shop), nodes[0]
    seated = witness_devices(first.assessor.outlook().witnesses)
    prev = first.assessor.outlook().seal
    nothing = [sign_have(signers[one], shop.community, 5, prev, ()) for one in seated]
    draft = first.assessor.build(tuple(nothing), shop.now_ms + MINUTE)
    assert draft is not None
    assert new_records(first.kept.last.logs, draft.delta) == 4
    haves = [first.have(signers[one]) for one in seated]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    assert new_records(first.kept.last.logs, draft.delta) == 9


def test_a_state_that_cannot_be_written_is_sealed_by_nobody_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, (first, judge, *_) = four()
    signers = signers_of(shop)
    seated = witness_devices(first.assessor.outlook().witnesses)
    haves = [first.have(signers[one]) for one in seated]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    encoded = roots.leaf
    monkeypatch.setattr(roots, "leaf", lambda value: encoded([value, 2**64]))
    assert first.assessor.build(tuple(haves), shop.now_ms + MINUTE) is None
    made = proposal(signers[seated[0]], draft, haves)
    found = judge.assessor.judge(made, shop.now_ms + MINUTE).verdict
    assert not found.sound and "cannot be written" in found.reason
