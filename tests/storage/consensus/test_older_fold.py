"""Seals of an older fold: followed by their certificate, since their state root is not computed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol.errors import DamagedDatabase, OlderSeal, WrongState
from commonweal.protocol.ledger.finality import seal_contents
from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.ledger.state.time_jumps import LAST
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.record import CommunityId, Record, RecordId, from_bytes
from commonweal.protocol.seal.cut import delta_from_bytes
from commonweal.protocol.seal.formats import sealed_from_bytes, sign_proposal
from commonweal.protocol.seal.votes import Step, sign_vote
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.consensus import proposals
from commonweal.storage.consensus.offers import Offer
from commonweal.storage.consensus.snapshots import Snapshots
from commonweal.storage.ledger.state import finalizer
from commonweal.storage.records.seal_store import KeptSeal
from tests.builders.sealing_nodes import Node, proposal, sealed_height
from tests.protocol.ledger.workshop import Workshop
from tests.storage.consensus.test_proposals import MINUTE, four, seal, signers_of
from tests.storage.consensus.test_snapshots import handed_out, offers, pairs, roots

VECTORS = Path(__file__).parents[2] / "vectors" / "fold_1"
OTHER_ROOT = b"\x01" * 32


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> tuple[Workshop, list[Node]]:
    """A workshop whose seals so far are of the fold before."""
    with monkeypatch.context() as before:
        for module in (finalizer, proposals, seal_contents):
            before.setattr(module, "FOLD", FOLD - 1)
        return four()


Scene = tuple[Workshop, list[Node]]


def draft_of(shop: Workshop, node: Node) -> Any:
    signers, outlook = signers_of(shop), node.assessor.outlook()
    haves = [node.have(signers[one]) for one in witness_devices(outlook.witnesses)]
    draft = node.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None, "there is something to seal"
    return draft, haves


def older(shop: Workshop, nodes: list[Node], **over: Any) -> KeptSeal:
    """Let all keep a seal as a version before made it, with another state root."""
    draft, _ = draft_of(shop, nodes[0])
    made = replace(draft.seal, **{"fold": FOLD - 1, "state_root": OTHER_ROOT, **over})
    witnesses = nodes[0].assessor.outlook().witnesses
    kept = sealed_height(shop.community, replace(draft, seal=made), witnesses, signers_of(shop))
    for node in nodes:
        node.put(kept.sealed, kept)
    return kept


def test_a_seal_of_an_older_fold_is_followed_and_the_next_is_of_this_one(scene: Scene) -> None:
    shop, nodes = scene
    _, beside = four()
    before = nodes[0].assessor.outlook().height
    older(shop, nodes)
    seal(beside, shop)
    for node in nodes:
        outlook = node.assessor.outlook()
        assert (outlook.height, outlook.alarm) == (before + 1, "")
        assert roots(node)[0] == roots(beside[0])[0] and roots(node)[2] == roots(beside[0])[2]
        ours, theirs = pairs(node), pairs(beside[0])
        assert {key for key, value in ours.items() if value != theirs[key]} == {LAST}
    shop.work("Bo", 5)
    for node in nodes:
        node.take(shop.records)
    kept = seal(nodes, shop)
    assert (kept.sealed.seal.fold, kept.sealed.seal.state_root) == (FOLD, roots(nodes[1])[1])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("members_root", b"m" * 32),
        ("distribution_root", b"d" * 32),
        ("ruleset", b"r" * 32),
        ("clock", 10_000),
        ("cut_root", b"c" * 32),
        ("evidence", (b"e" * 32,)),
    ],
)
def test_all_but_the_state_root_of_it_is_compared(scene: Scene, field: str, value: Any) -> None:
    shop, nodes = scene
    before = nodes[1].assessor.outlook().height
    older(shop, nodes, **{field: value})
    outlook = nodes[1].assessor.outlook()
    assert outlook.height == before
    assert bool(outlook.alarm) is (field != "evidence"), "evidence that is not here is awaited"


def test_a_seal_that_names_other_witnesses_than_stand_beside_it_is_damaged(scene: Scene) -> None:
    shop, nodes = scene
    older(shop, nodes, witnesses=b"w" * 32)
    with pytest.raises(DamagedDatabase, match="its witnesses are others"):
        nodes[1].assessor.outlook()


def test_no_older_fold_comes_after_a_newer(scene: Scene) -> None:
    shop, nodes = scene
    seal(nodes, shop)
    shop.work("Bo", 5)
    for node in nodes:
        node.take(shop.records)
    older(shop, nodes)
    assert nodes[1].assessor.outlook().alarm.endswith("older rules than the one before it")


def test_a_seal_of_this_fold_is_compared_whatever_came_before(
    scene: Scene,
) -> None:
    shop, nodes = scene
    older(shop, nodes)
    shop.work("Bo", 5)
    for node in nodes:
        node.take(shop.records)
    before = nodes[1].assessor.outlook().height
    older(shop, nodes, fold=FOLD)
    outlook = nodes[1].assessor.outlook()
    assert (outlook.height, "another state root" in outlook.alarm) == (before, True)


def test_nobody_proposes_by_an_older_fold_but_what_a_quorum_took_is_taken(scene: Scene) -> None:
    shop, nodes = scene
    signers, (draft, haves) = signers_of(shop), draft_of(shop, nodes[0])
    made = replace(draft.seal, fold=FOLD - 1, state_root=OTHER_ROOT)
    seated = witness_devices(nodes[0].assessor.outlook().witnesses)
    fresh = proposal(signers[seated[0]], draft, haves, made)
    verdict = nodes[1].assessor.judge(fresh, shop.now_ms + MINUTE).verdict
    assert not verdict.sound and "older" in verdict.reason
    polka = tuple(
        sign_vote(signers[one], shop.community, made.height, 0, Step.PREVOTE, made.id)
        for one in seated[:3]
    )
    again = sign_proposal(signers[seated[1]], 1, made, draft.delta, polka)
    found = nodes[1].assessor.judge(again, shop.now_ms + MINUTE)
    assert found.verdict.sound and found.witnesses == draft.witnesses


def test_the_state_of_an_older_seal_is_neither_given_nor_taken(scene: Scene) -> None:
    shop, nodes = scene
    kept = older(shop, nodes)
    nodes[0].assessor.outlook()
    assert offers(nodes[0]).offer(now_ms=1) is None
    with pytest.raises(OlderSeal):
        handed_out(nodes[0])
    late = Node(shop.community, shop.documents)
    late.take(shop.records[:1])
    for height in nodes[0].seals.heights:
        known = nodes[0].seals.at(height)
        assert known is not None
        late.put(known.sealed, known)
    offer = Offer(kept.sealed.seal.height, 0)
    with pytest.raises(WrongState):
        Snapshots(late.kept).take(offer, 0, b"")
    shop.work("Bo", 5)
    for node in nodes:
        node.take(shop.records)
    newer = seal(nodes, shop)
    nodes[0].assessor.outlook()
    offered = offers(nodes[0]).offer(now_ms=1)
    assert offered is not None and offered.height == newer.sealed.seal.height


def branches(records: list[Record]) -> tuple[list[Record], list[Record], list[ForkProof]]:
    """Return the logs, what stands on other branches of them, and a proof of each fork."""
    tips: dict[bytes, RecordId] = {}
    places: dict[tuple[bytes, int], Record] = {}
    good, beside, proofs = [], [], []
    for one in records:
        known = places.setdefault((one.author, one.seq), one)
        if known is not one:
            proofs.append(fork_proof.check(known, one, CommunityId(records[0].id)))
        if tips.get(one.author, one.prev) == one.prev:
            tips[one.author] = one.id
            good.append(one)
        else:
            beside.append(one)
    return good, beside, proofs


def test_the_heights_of_a_community_of_fold_1_are_followed_to_the_last() -> None:
    kept = json.loads((VECTORS / "records.json").read_text("utf-8"))
    heights = json.loads((VECTORS / "heights.json").read_text("utf-8"))["heights"]
    community = CommunityId(bytes.fromhex(kept["community"]))
    documents = {bytes.fromhex(name): bytes.fromhex(d) for name, d in kept["documents"].items()}
    records = [from_bytes(bytes.fromhex(one["wire"])) for one in kept["records"]]
    node = Node(community, documents)
    good, beside, forks = branches(records)
    node.take(good)
    for fork in forks:
        node.store.freeze(fork)
    node.store.append_branch(beside)
    node.store.commit()
    for height in heights:
        sealed = sealed_from_bytes(bytes.fromhex(height["sealed"]), community)
        assert sealed.seal.fold == 1
        node.seals.put(sealed, delta_from_bytes(bytes.fromhex(height["delta"])))
    node.store.commit()
    outlook = node.assessor.outlook()
    assert (outlook.alarm, outlook.height) == ("", len(heights))
