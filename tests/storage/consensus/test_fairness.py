"""Fairness, where not all can be covered that witnesses show: a cut owes as much as it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.finality import unsealed
from commonweal.protocol.ledger.members.forks import KEPT, KeptRow
from commonweal.protocol.records.record import permanent_body
from commonweal.protocol.seal import validation
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.have_frontiers import HaveFrontier, sign_have
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.consensus import proposals, reader
from commonweal.storage.consensus.proposals import PreparedProposal
from commonweal.storage.ledger.state.state_db import FINAL
from tests.builders.sealing_nodes import Node, proposal
from tests.protocol.ledger.workshop import Workshop
from tests.storage.consensus.test_proposal_evidence import convict, fork
from tests.storage.consensus.test_proposals import MINUTE, four, rooted, seal, signers_of


def shows(shop: Workshop, node: Node, *shown: Mapping[DeviceKey, int]) -> tuple[HaveFrontier, ...]:
    """Return a have-frontier of each witness in turn, that shows these lengths and no more."""
    outlook, signers = node.assessor.outlook(), signers_of(shop)
    return tuple(
        sign_have(
            *(signers[device], shop.community, outlook.height + 1, outlook.seal),
            [SealedLog(author, length, node.community) for author, length in logs.items()],  # type: ignore[arg-type]
        )
        for device, logs in zip(witness_devices(outlook.witnesses), shown, strict=True)
    )


def built(shop: Workshop, nodes: Sequence[Node], haves: Sequence[HaveFrontier]) -> PreparedProposal:
    """Return what the first proposes, which the others find sound and fair."""
    first, *others = nodes
    now_ms = shop.now_ms + MINUTE
    draft = first.assessor.build(tuple(haves), now_ms)
    assert draft is not None, "nobody ever proposes anything at this height"
    seated = witness_devices(first.assessor.outlook().witnesses)
    made = proposal(signers_of(shop)[seated[0]], draft, haves)
    for node in others:
        verdict = node.assessor.judge(made, now_ms).verdict
        assert verdict.sound and verdict.timely, verdict
    return draft


def full_of(nodes: Sequence[Node], shop: Workshop) -> dict[DeviceKey, int]:
    """Let all hold everything; return how long the logs are."""
    for node in nodes:
        node.take(shop.records)
    return {row.author: row.length for row in nodes[0].store.logs()}


def test_a_liar_who_shows_a_record_without_what_it_cites_stops_nothing() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    cited = shop.work("Bo", 5)
    cites = shop.attest(cited, "Jun")
    full_of(nodes, shop)
    both = {cited.author: cited.seq + 1, cites.author: cites.seq + 1}
    alone = {cites.author: cites.seq + 1}
    draft = built(shop, nodes, shows(shop, nodes[0], both, alone, {}, {}))
    assert {one.author: one.length for one in draft.delta.logs} == both


@pytest.mark.parametrize("limit", ["CUT_RECORDS_MAX", "CUT_LOGS_MAX"])
def test_witnesses_who_show_more_than_a_cut_holds_stop_nothing(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    for number in range(3):
        for name in ("Jun", "Bo", "Ana"):
            shop.work(name, number + 1)
    lengths = full_of(nodes, shop)
    for module in (unsealed, validation, proposals):
        monkeypatch.setattr(module, limit, 2, raising=False)
        monkeypatch.setattr(module, "FULL_CUT_RECORDS", 2 if limit.startswith("CUT_R") else 9)
    for _ in range(2):
        draft = built(shop, nodes, shows(shop, nodes[0], *[lengths] * 4))
        grown = [
            one.length - nodes[0].kept.last.logs[one.author].length for one in draft.delta.logs
        ]
        assert (sum(grown) if limit == "CUT_RECORDS_MAX" else len(grown)) == 2
        seal(nodes, shop)


def test_more_forks_at_once_than_a_seal_names_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    monkeypatch.setattr(reader, "EVIDENCE_PER_SEAL_MAX", 1)
    last = max(("Ana", "Jun"), key=lambda name: shop.pens[name].key)
    forks = [fork(shop, name) for name in ("Ana", "Jun")]
    cited = next(one for one, _ in forks if one.author == shop.pens[last].key)
    cites = shop.pens["Bo"].write("attest", {"event": cited.id, "say": "yes"}, [cited])
    lengths = full_of(nodes, shop)
    before = shows(shop, nodes[0], *[lengths] * 4)
    for node in nodes:
        for one, two in forks:
            convict(node, one, two)
    draft = built(shop, nodes, before)
    assert len(draft.seal.evidence) == 1
    assert cites.author not in [one.author for one in draft.delta.logs]
    first, second = (seal(nodes, shop) for _ in range(2))
    assert len({*first.sealed.seal.evidence, *second.sealed.seal.evidence}) == 2
    assert (cites.author, cites.seq + 1, cites.id) in second.delta.logs


def test_what_is_good_of_a_log_that_ends_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seal that names no proof may stop where the log ends, and not before."""
    shop, nodes = four()
    seal(nodes, shop)
    other = shop.work("Bo", 1)
    good = shop.work("Ana", 1)
    one, two = fork(shop, "Ana")
    lengths = full_of(nodes, shop)
    for node in nodes:
        convict(node, one, two)
    monkeypatch.setattr(reader, "EVIDENCE_PER_SEAL_MAX", 0)
    haves = shows(shop, nodes[0], *[lengths] * 4)
    draft = built(shop, nodes, haves)
    assert (good.author, good.seq + 1, good.id) in draft.delta.logs
    logs = tuple(log for log in draft.delta.logs if log.author == other.author)
    spoilt, delta = rooted(draft.seal, Delta(logs, draft.delta.present), nodes[0])
    first, judge = nodes[0].assessor, nodes[1].assessor
    history = first.kept.history()
    now_ms = shop.now_ms + MINUTE
    folded = first.kept.end().conclude(
        history,
        advance := history.advance(delta, spoilt.time_ms),
        history.covered(advance),
    )
    seated = witness_devices(first.outlook().witnesses)
    made = proposal(
        signers_of(shop)[seated[0]], replace(draft, seal=folded.seal, delta=delta), haves
    )
    verdict = judge.judge(made, now_ms).verdict
    assert verdict.sound and not verdict.timely and "leaves out" in verdict.reason


@pytest.mark.parametrize("lacks", [False, True])
def test_what_a_vote_keeps_without_its_document_waits_for_no_seal(lacks: bool) -> None:
    """Else a height would begin again and again in vain."""
    shop, nodes = four()
    seal(nodes, shop)
    node, pen = nodes[0], shop.pens["Ana"]
    one, _ = fork(shop, "Ana")
    pen.log.pop()
    body = permanent_body(b"never came") if lacks else None
    two = pen.write("rules.propose", {"subject": "rules"}, [], body, 1)
    shop.records.pop()
    full_of(nodes, shop)
    convict(node, one, two)
    node.store.append_branch([two])
    before = node.assessor.outlook().unsealed
    node.layers.put(FINAL, [(KEPT + two.author, [*KeptRow(two.seq, two.id)])])
    assert node.assessor.outlook().unsealed - before == (not lacks)
