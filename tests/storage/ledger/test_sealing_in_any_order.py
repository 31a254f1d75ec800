"""Nodes that hold different parts at different times find the same of every seal."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.have_frontiers import select_have_frontiers
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.ledger.state.state_rows import KEY, VALUE
from tests.builders.sealing_nodes import Node, proposal, sealed_height
from tests.protocol.ledger.workshop import Workshop, hours, paying
from tests.storage.consensus.test_proposals import MINUTE, offering, signers_of

NAMES = ("Mei", "Jun", "Ana", "Bo")


class Scene:
    """A community whose members write, fork and revoke by chance, and a node of each."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.shop = Workshop(paying(), *NAMES[1:])
        offering(self.shop, *NAMES[1:])
        self.nodes = [Node(self.shop.community, self.shop.documents) for _ in NAMES]
        self.pairs: list[tuple[Record, Record]] = []
        for node in self.nodes:
            node.take(self.shop.records)

    def act(self) -> None:
        forked = {one.author for one, _ in self.pairs}
        writing = [name for name in NAMES if self.shop.pens[name].key not in forked]
        name, other = self.rng.sample(writing, 2)
        match self.rng.randrange(8):
            case 0:
                self.shop.earn(self.rng.randint(1, 900), by=name if name != "Mei" else other)
            case 1 if not self.pairs and name != "Mei":
                self.fork(name)
            case 2:
                self.shop.decide(name)
            case _:
                self.shop.work(name, self.rng.randint(1, 9), by=other)

    def fork(self, name: str) -> None:
        pen = self.shop.pens[name]
        one = self.shop.work(name, 1)
        pen.log.pop()
        data = {"action": "work", "provider": pen.owner.id, "effortQuantity": hours(2)}
        two = pen.write("event", data)
        self.shop.records.pop()
        self.pairs.append((one, two))

    def spread(self, node: Node, *, whole: bool = False) -> None:
        """Let a node hear of some records, in the order of their clocks, and of proofs."""
        if self.pairs and (whole or self.rng.random() < 0.3):
            self.convict(node)
        for record in sorted(self.shop.records, key=lambda one: (one.clock, one.id)):
            row = node.store.log(record.author)
            if record.seq != row.length or (row.frozen is not None and record.seq >= row.frozen):
                continue
            held = all(node.store.clock_of(dep) is not None for dep in record.deps)
            if held and (whole or self.rng.random() < 0.8):
                node.store.append(record.author, [record], self.shop.documents)
        node.store.commit()

    def convict(self, node: Node) -> None:
        for one, two in self.pairs:
            if node.store.log(one.author).length >= one.seq:
                node.store.freeze(fork_proof.check(one, two, node.community))
                node.store.append_branch([one, two])
        node.store.commit()

    def seal(self, now_ms: int) -> None:
        """Let one who proposes be judged by all; who lacks something fetches it first."""
        first = self.rng.choice(self.nodes)
        signers = signers_of(self.shop)
        outlook = first.assessor.outlook()
        seated = witness_devices(outlook.witnesses)
        by_device = dict(zip([self.shop.pens[name].key for name in NAMES], self.nodes, strict=True))
        heard = self.rng.sample(seated, quorum_of(len(seated)).needed)
        shown = [one for one in (*heard, *outlook.candidates) if one in by_device]
        haves = select_have_frontiers([by_device[one].have(signers[one]) for one in shown], seated)
        draft = first.assessor.build(haves, now_ms)
        if draft is None:
            self.spread(first, whole=True)
            draft = first.assessor.build(haves, now_ms)
        if draft is None:
            after = first.assessor.outlook()
            assert (after.unsealed, after.is_urgent) == (0, False)
            return
        made = proposal(signers[seated[0]], draft, haves)
        for node in self.nodes:
            found = node.assessor.judge(made, now_ms)
            for _ in range(3):
                if not found.verdict.missing:
                    break
                self.spread(node, whole=True)
                found = node.assessor.judge(made, now_ms)
            assert found.verdict.sound and found.verdict.timely, found.verdict
            assert found.witnesses == draft.witnesses
        kept = sealed_height(first.community, draft, outlook.witnesses, signers)
        for node in self.nodes:
            node.put(kept.sealed, kept)
            assert node.assessor.outlook().height == draft.seal.height


def everything(node: Node) -> list[tuple[object, ...]]:
    """Return all that is final at a node, as it lies in its tables."""
    tables = (f"SELECT {KEY}, {VALUE} FROM state WHERE layer = 0 ORDER BY 1",)
    trees = "SELECT tree, place, page FROM tree ORDER BY tree, place"
    refused = "SELECT id, reason FROM refused WHERE layer = 0 ORDER BY id"
    return [
        row
        for statement in (*tables, trees, refused, "SELECT * FROM sealed_log ORDER BY author")
        for row in node.layers.rows(statement)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_all_nodes_find_the_same_whatever_each_heard_when(seed: int) -> None:
    scene = Scene(seed)
    for height in range(1, 9):
        for _ in range(scene.rng.randrange(6)):
            scene.act()
        for node in scene.nodes:
            scene.spread(node)
        scene.seal(scene.shop.now_ms + height * MINUTE)
    for node in scene.nodes:
        scene.spread(node, whole=True)
    for minute in range(10, 13):
        scene.seal(scene.shop.now_ms + minute * MINUTE)
    first, *others = (everything(node) for node in scene.nodes)
    assert {node.assessor.outlook().unsealed for node in scene.nodes} == {0}
    assert all(other == first for other in others)
    late = Node(scene.shop.community, scene.shop.documents)
    for height in range(1, scene.nodes[0].kept.cut.height + 1):
        kept = scene.nodes[0].seals.at(height)
        assert kept is not None
        late.put(kept.sealed, kept)
    scene.spread(late, whole=True)
    scene.convict(late)
    assert late.assessor.outlook().height == scene.nodes[0].kept.cut.height
    assert everything(late) == first
