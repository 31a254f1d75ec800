"""A node that joins by the state of a seal has what nodes have that were there from the start."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from commonweal.protocol import codec, merkle
from commonweal.protocol.errors import CommonwealError, Malformed, WrongState
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.checkpoint.roots import Trees
from commonweal.protocol.ledger.things.event_row import FULFILLING
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import Seal
from commonweal.storage.consensus.audit import Audit, AuditProgress
from commonweal.storage.consensus.offers import OFFER_MS, Offer, StateOffers, Whole, whole
from commonweal.storage.consensus.restored import held
from commonweal.storage.consensus.snapshots import Snapshots
from commonweal.storage.ledger.state.finalizer import Finalizer, FoldedSeal, MissingParts
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, TreePages
from commonweal.storage.records.seal_store import KeptSeal
from tests.builders.local_rows import without_order
from tests.builders.sealing_nodes import Node, seal_once
from tests.protocol.ledger.workshop import Workshop, paying

HEIGHTS = 50


def signers_of(shop: Workshop) -> dict[DeviceKey, Signer]:
    return {pen.key: pen.signer for pen in shop.pens.values()}


class Past(Workshop):
    """A workshop whose records are sealed now and then by a node that was there from the start."""

    def __init__(self) -> None:
        super().__init__(paying(), "Jun", "Ana", "Bo")
        self.here = Node(self.community, self.documents)
        self.chain: list[KeptSeal] = []
        self.held: list[int] = []

    def pay_promised(self, name: str, by: str) -> None:
        """Let a member promise an amount to the community and pay it, attested by another."""
        said: dict[str, Any] = {"action": "transfer", "provider": self.id(name)}
        said["receiver"] = self.community
        said |= {"resourceQuantity": {"n": 5, "scale": 0, "unit": "EUR"}}
        promised = self.write(name, "commitment", said)
        self.attest(self.write(name, "event", said | {"fulfills": promised.id}), by)

    def seal_all(self) -> None:
        self.now_ms += 60_000
        self.here.take(self.records)
        self.chain.append(seal_once([self.here], signers_of(self), self.now_ms))
        self.here.kept.refresh(whole=False)
        self.held.append(len(self.records))


@cache
def past() -> Past:
    """Fifty heights, with work, attests, income, a record that counts for nothing, and more."""
    shop = Past()
    names = ("Jun", "Ana", "Bo", "Mei")
    for height in range(HEIGHTS):
        name, other = names[height % 4], names[(height + 1) % 4]
        shop.work(name, height + 1, by=other)
        if height % 7 == 0:
            shop.earn(1_000 + height)
        if height % 10 == 3:
            shop.work(name, 1, provider=b"\x09" * 32)
        if height % 10 == 6:
            shop.pay_promised(name, other)
        shop.seal_all()
    return shop


def newcomer(heights: int = HEIGHTS) -> Node:
    """A node with the founding record and the chain of seals, and no other record."""
    shop = past()
    node = Node(shop.community, shop.documents)
    node.take(shop.records[:1])
    for kept in shop.chain[:heights]:
        node.seals.put(kept.sealed, kept.delta)
    node.store.commit()
    return node


def pairs(node: Node) -> dict[bytes, Any]:
    state = LayeredState(node.layers, FINAL)
    return without_order(p for letter in range(255) for p in state.items(bytes([letter])))


def roots(node: Node) -> list[bytes]:
    """The roots of the three trees, as a change of nothing finds them."""
    trees = (TreePages(node.layers, number) for number in range(len(Trees._fields)))
    return [merkle.update(tree, {}).root for tree in trees]


def offers(node: Node) -> StateOffers:
    """What a node hands out."""
    return StateOffers(node.store, node.layers, node.kept.community)


def handed_out(node: Node) -> Whole:
    """What a node hands out, whole."""
    return whole(node.store, node.layers, node.kept.community)


def audited(node: Node) -> bool:
    """Let a node audit the state that it took; whether that is over."""
    audit = Audit(node.store, node.layers, node.kept.community)
    while (progress := audit.step()) is AuditProgress.FOLDS:
        pass
    return progress is AuditProgress.OVER


def fetch(node: Node, giver: StateOffers) -> Offer:
    """Let a node take what another offers."""
    offer = giver.offer(now_ms=1)
    assert offer is not None
    taking = Snapshots(node.kept)
    for number in range(offer.chunks):
        data = giver.chunk(offer.height, number)
        assert data is not None
        taking.take(offer, number, data)
    return offer


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_AIM", 4_000)


def test_who_joins_at_height_50_has_the_state_of_one_that_was_there_from_the_start() -> None:
    shop, late = past(), newcomer()
    assert late.assessor.outlook().height == 0
    offer = fetch(late, offers(shop.here))
    assert offer.height == HEIGHTS and offer.chunks > 4
    assert pairs(late) == pairs(shop.here)
    assert sum(key.startswith(FULFILLING) for key in pairs(late)) == HEIGHTS // 10
    assert roots(late) == roots(shop.here)
    assert roots(late)[1] == shop.chain[-1].sealed.seal.state_root
    ours, theirs = late.assessor.outlook(), shop.here.assessor.outlook()
    unaudited = replace(theirs, is_audited=False)
    assert ours == unaudited, "height, seal, rules, witnesses, deadlines: all of it"
    assert late.kept.last.logs == shop.here.kept.last.logs
    seals = "SELECT * FROM seal_row ORDER BY height"
    assert late.layers.rows(seals) == shop.here.layers.rows(seals)


def test_the_ledger_goes_on_from_there_while_records_follow() -> None:
    shop, late = past(), newcomer()
    assert held(late.layers, late.store) is None
    fetch(late, offers(shop.here))
    total = shop.held[-1]
    assert held(late.layers, late.store) == (HEIGHTS, 1, total)
    assert not audited(late), "not before all are here"
    late.take(shop.records[: total // 2])
    _, here, of = held(late.layers, late.store) or (0, 0, 0)
    assert 1 < here < of == total
    late.kept.refresh()
    assert late.kept.cut.height == HEIGHTS, "what comes does not take it back"
    late.take(shop.records[:total])
    assert held(late.layers, late.store) == (HEIGHTS, total, total)
    assert audited(late)
    assert held(late.layers, late.store) is None
    refused = "SELECT id, reason FROM refused WHERE layer = 0 ORDER BY id"
    assert late.layers.rows(refused) == shop.here.layers.rows(refused) != []
    assert late.kept.alarm == ""


def test_the_next_seals_are_judged_and_followed_from_a_state_that_was_taken() -> None:
    shop = Past()
    for n in range(3):
        shop.work("Jun", n + 1, by="Ana")
        shop.seal_all()
    late = Node(shop.community, shop.documents)
    late.take(shop.records[:1])
    for kept in shop.chain:
        late.seals.put(kept.sealed, kept.delta)
    late.store.commit()
    fetch(late, offers(shop.here))
    late.take(shop.records)
    for _ in range(2):
        done = shop.work("Bo", 5, by="Mei")
        shop.earn(70)
        shop.here.take(shop.records)
        late.take(shop.records)
        shop.now_ms += 60_000
        seal_once([shop.here, late], signers_of(shop), shop.now_ms)
        late.kept.refresh()
        shop.here.kept.refresh()
        assert pairs(late) == pairs(shop.here)
        assert roots(late) == roots(shop.here)
        assert late.kept.verdict(done) is None and late.kept.is_final(done)
    assert audited(late)


def test_an_offer_stays_while_newer_seals_come_and_is_made_anew_later() -> None:
    shop = Past()
    shop.work("Jun", 1, by="Ana")
    giver = offers(shop.here)
    assert giver.offer(now_ms=0) is None, "nothing is sealed"
    shop.seal_all()
    first = giver.offer(now_ms=1_000)
    assert first is not None and first.height == 1
    data = giver.chunk(1, 0)
    shop.work("Jun", 2, by="Ana")
    shop.seal_all()
    assert giver.offer(now_ms=1_000 + OFFER_MS - 1) == first
    assert giver.chunk(1, 0) == data
    later = giver.offer(now_ms=1_000 + OFFER_MS)
    assert later is not None and later.height == 2
    assert giver.chunk(1, 0) is None and giver.chunk(2, 0) is not None
    assert giver.chunk(2, later.chunks) is None


def spoiled(data: bytes) -> list[tuple[bytes, type[CommonwealError]]]:
    fields: Any = codec.decode(data)
    richer = [*fields[1][:-1], [fields[1][-1][0], codec.encode([10**9])]]
    return [
        (codec.encode([fields[0], richer]), WrongState),
        (codec.encode([fields[0], fields[1][1:]]), WrongState),
        (b"junk", Malformed),
        (b"", Malformed),
    ]


def test_a_wrong_pair_is_refused_and_another_peer_goes_on_where_the_first_ended() -> None:
    shop, late = past(), newcomer()
    giver = offers(shop.here)
    offer = giver.offer(now_ms=1)
    assert offer is not None
    taking = Snapshots(late.kept)
    for number in range(offer.chunks):
        data = giver.chunk(offer.height, number)
        assert data is not None
        for bad, error in spoiled(data):
            with pytest.raises(error):
                taking.take(offer, number, bad)
        with pytest.raises(WrongState):
            taking.take(Offer(offer.height - 1, offer.depth), number, data)
        before = taking.progress()
        progress = taking.take(offer, number, data)
        assert before is None or before.wanted == number
        assert progress.wanted == (number + 1 if number + 1 < offer.chunks else None)
    assert pairs(late) == pairs(shop.here)
    assert taking.progress() is None


def test_a_state_of_a_height_that_is_not_kept_is_not_taken() -> None:
    shop, late = past(), newcomer(heights=10)
    with pytest.raises(WrongState, match="no seal"):
        fetch(late, offers(shop.here))
    assert late.assessor.outlook().height == 0


def test_a_chunk_out_of_turn_is_passed_over_and_another_offer_begins_anew() -> None:
    shop, late = past(), newcomer()
    giver, taking = offers(shop.here), Snapshots(late.kept)
    offer = giver.offer(now_ms=1)
    assert offer is not None
    chunks = [giver.chunk(offer.height, number) or b"" for number in range(offer.chunks)]
    assert taking.take(offer, 1, chunks[1]).wanted == 0
    assert taking.take(offer, 0, chunks[0]).wanted == 1
    assert taking.take(offer, 0, chunks[0]).wanted == 1
    assert Snapshots(late.kept).progress() == taking.progress(), "it outlives a restart"
    taking.give_up()
    assert taking.progress() is None
    fetch(late, giver)
    assert pairs(late) == pairs(shop.here)


def test_a_ledger_that_came_as_far_by_itself_is_not_taken_back() -> None:
    shop, late = past(), newcomer()
    early = newcomer(heights=20)
    early.take(shop.records[: shop.held[19]])
    early.kept.refresh()
    offer, chunks = handed_out(early)
    assert offer.height == 20
    late.take(shop.records[: shop.held[-1]])
    late.kept.refresh()
    for number, data in enumerate(chunks):
        assert Snapshots(late.kept).take(offer, number, data).wanted is None
    assert late.kept.cut.height == HEIGHTS and pairs(late) == pairs(shop.here)


def test_seals_that_waited_for_a_state_are_folded_once_it_is_given_up() -> None:
    shop, late = past(), newcomer()
    late.kept.refresh()
    taking = Snapshots(late.kept)
    taking.hold()
    late.take(shop.records[: shop.held[-1]])
    late.kept.refresh()
    assert late.kept.cut.height == 0, "no seal is folded while a state is awaited"
    taking.give_up()
    late.kept.refresh()
    assert late.kept.cut.height == HEIGHTS, "though the community is quiet"
    assert pairs(late) == pairs(shop.here)


def test_a_state_with_other_members_than_the_seal_names_is_not_put_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, late = past(), newcomer()
    monkeypatch.setattr("commonweal.storage.consensus.snapshots.MEMBERS", (b"M",))
    with pytest.raises(WrongState, match="other roots"):
        fetch(late, offers(shop.here))
    late.kept.refresh()
    assert late.kept.cut.height == 0 and pairs(late) == {}


def test_without_the_evidence_that_seals_name_the_records_are_folded_anew_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, late = past(), newcomer()
    fetch(late, offers(shop.here))
    late.take(shop.records[: shop.held[-1]])
    folded: list[int] = []
    plain = Finalizer.fold

    def lacking(self: Finalizer, seal: Seal, delta: Delta) -> FoldedSeal | MissingParts:
        folded.append(seal.height)
        return MissingParts((b"proof",)) if seal.height == 7 else plain(self, seal, delta)

    monkeypatch.setattr(Finalizer, "fold", lacking)
    assert not audited(late)
    assert folded[-1] == 7
    before = len(folded)
    assert not audited(late)
    assert len(folded) == before, "nothing came that could help"
    assert late.kept.cut.height == HEIGHTS


def test_records_that_come_to_another_root_raise_the_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, late = past(), newcomer()
    fetch(late, offers(shop.here))
    late.take(shop.records[: shop.held[-1]])
    from commonweal.protocol.ledger.sharing import valuation

    plain = valuation.book

    def forgetful(state: Any, cut: Any, records: Any) -> list[bytes]:
        some: list[Record] = [one for one in records if cut.height != 30]
        return plain(state, cut, some)

    monkeypatch.setattr(valuation, "book", forgetful)
    assert audited(late)
    assert late.kept.alarm
