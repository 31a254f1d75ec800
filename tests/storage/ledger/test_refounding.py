"""A community whose witnesses are gone for ever goes on: re-founded from its last final state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.parent import Parent, parent_of
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.ledger.claims.claims import claims
from commonweal.protocol.ledger.claims.pools import pools
from commonweal.protocol.ledger.contributions.attestation import DISPUTE
from commonweal.protocol.ledger.finality.backtest import backtest
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.members import registry, roles
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.merkle import EMPTY
from commonweal.protocol.records import record
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.seal import chain
from commonweal.protocol.seal.votes import SealId
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.consensus.snapshots import Snapshots
from commonweal.storage.ledger.inheritance import members_before, start
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from tests.builders.sealing_nodes import Node, seal_once
from tests.protocol.ledger.village import Pen, Person, Village
from tests.storage.consensus.test_snapshots import (
    Past,
    audited,
    handed_out,
    pairs,
    roots,
    signers_of,
)

NONCE = b"\x66" * 32


class Again(Village):
    """A community that goes on from another, in the hands of one of its members."""

    def __init__(self, old: Past, name: str, changed: dict[int, bytes] | None = None) -> None:
        self.records: list[Record] = []
        self.documents: dict[bytes, bytes] = {}
        self.community = CommunityId(b"")
        self.pens: dict[str, Pen] = {}
        offer, chunks = handed_out(old.here)
        chunks = [(changed or {}).get(number, data) for number, data in enumerate(chunks)]
        last = old.chain[-1].sealed.seal
        root = last.state_root
        self.parent = Parent(
            *(old.community, last.height, last.id, root, last.time_ms, offer.depth)
        )
        pen = self.pens[name] = Pen(self, old.pens[name].owner, number=7)
        first = old.here.store.record(record.RecordId(old.community))
        assert first is not None and first.body is not None
        written = founding.refound(
            *(pen.owner.signer, pen.owner.inception, pen.signer, pen.host, NONCE),
            *(old.documents[first.body.hash], self.parent.to_value(), 5),
        )
        self.take(pen, written)
        self.community = CommunityId(written.record.id)
        for data in chunks:
            tip = founding.tip_after(pen.log[-1])
            self.take(pen, founding.inherit(pen.signer, self.community, tip, data, 5))

    def take(self, pen: Pen, written: founding.RecordWithBody) -> None:
        assert written.record.body is not None
        self.documents[written.record.body.hash] = written.body
        pen.log.append(written.record)
        self.records.append(written.record)

    def follow(self, old: Past, name: str) -> Pen:
        """Let another member of the parent come after."""
        pen = self.pens[name] = Pen(self, old.pens[name].owner, number=7)
        pen.enrol([self.records[-1]], is_new=False)
        return pen

    def signers(self) -> dict[DeviceKey, Signer]:
        return {pen.key: pen.signer for pen in self.pens.values()}


@pytest.fixture
def old() -> Past:
    """A workshop of four that worked, earned and was paid, over three heights."""
    shop = Past()
    for n in range(3):
        shop.work("Jun", n + 1, by="Ana")
        shop.earn(1_000)
        shop.seal_all()
    return shop


def begun(again: Again, records: int | None = None) -> Node:
    node = Node(again.community, again.documents)
    node.take(again.records[:records])
    return node


def status(node: Node, pen: Pen) -> Any:
    row = registry.member_row(node.kept.final, pen.owner.id)
    return None if row is None else row.status


def test_members_claims_and_heights_go_on_and_the_founder_seals_alone(old: Past) -> None:
    again = Again(old, "Jun")
    node = begun(again)
    before = node.assessor.outlook()
    assert (before.height, bytes(before.seal)) == (3, bytes(again.community))
    assert [one.device for one in before.witnesses] == [again.pens["Jun"].key]
    assert before.alarm == ""
    kept = seal_once([node], again.signers(), old.now_ms + 60_000)
    assert kept.sealed.seal.height == 4
    after = node.assessor.outlook()
    assert (after.height, after.alarm) == (4, "")
    assert {status(node, old.pens[name]) for name in ("Mei", "Jun", "Ana", "Bo")} == {"active"}
    theirs, ours = claims(old.here.kept.final), claims(node.kept.final)
    assert [one.row for one in ours] == [one.row for one in theirs] != []
    assert pools(node.kept.final) == pools(old.here.kept.final)
    assert roles.holds(node.kept.final, old.pens["Jun"].owner.id, "witness")
    assert not roles.holds(node.kept.final, old.pens["Mei"].owner.id, "witness")


def test_who_looked_before_the_ledger_began_sees_where_it_begins(old: Past, tmp_path: Path) -> None:
    again = Again(old, "Jun")
    store = Store(tmp_path / "ledger")
    early = SealApplication(LedgerState(store, StateDb(tmp_path / "state"), again.community))
    own = SealId(again.community)
    assert early.outlook().end == (0, own)
    node = Node(again.community, again.documents, store)
    node.take(again.records[:1])
    chain = SealChain(store, again.community)
    assert chain.end == (again.parent.height, own)
    assert early.outlook().end != chain.end, "what it inherits is not all here"
    node.take(again.records)
    other = LedgerState(store, StateDb(tmp_path / "state"), again.community)
    assert other.cut.height == again.parent.height
    assert early.outlook().end == chain.end


def test_a_member_of_the_parent_follows_without_an_invite_and_writes_at_once(old: Past) -> None:
    again = Again(old, "Jun")
    node = begun(again)
    seal_once([node], again.signers(), old.now_ms + 60_000)
    ana = again.follow(old, "Ana")
    hours = {"n": 2, "scale": 0, "unit": "hour"}
    data = {"action": "work", "provider": ana.owner.id, "effortQuantity": hours}
    done = ana.write("event", data, [again.records[-2]])
    stranger = Pen(again, Person("Zoe"))
    refused = stranger.enrol([again.records[-1]], is_new=False)
    node.take(again.records)
    node.kept.refresh()
    assert node.kept.verdict(ana.log[0]) is node.kept.verdict(done) is None
    assert node.kept.verdict(refused) is not None
    seal_once([node], again.signers(), old.now_ms + 120_000)
    node.kept.refresh()
    assert registry.device_row(node.kept.final, ana.key) is not None
    assert registry.device_row(node.kept.final, stranger.key) is None


def test_nodes_that_got_the_records_in_pieces_have_one_root(old: Past) -> None:
    again = Again(old, "Jun")
    one, two = begun(again), begun(again, 1)
    assert two.assessor.outlook().height == 0, "what it inherits is not here"
    two.kept.refresh()
    assert pairs(two) == {}
    two.take(again.records)
    kept = seal_once([one, two], again.signers(), old.now_ms + 60_000)
    one.kept.refresh()
    two.kept.refresh()
    assert roots(one) == roots(two)
    assert roots(one)[1] == kept.sealed.seal.state_root != EMPTY
    assert pairs(one) == pairs(two)


def test_who_joins_the_new_community_late_takes_its_state_as_anywhere(old: Past) -> None:
    again = Again(old, "Jun")
    node = begun(again)
    made = [seal_once([node], again.signers(), old.now_ms + 60_000)]
    node.kept.refresh()
    late = begun(again, 1)
    for kept in made:
        late.seals.put(kept.sealed, kept.delta)
    late.store.commit()
    offer, chunks = handed_out(node)
    for number, data in enumerate(chunks):
        Snapshots(late.kept).take(offer, number, data)
    assert pairs(late) == pairs(node) and roots(late) == roots(node)
    late.take(again.records)
    assert audited(late)
    late.kept.refresh()
    assert late.kept.alarm == "" and pairs(late) == pairs(node)


def test_a_state_that_the_parent_did_not_have_is_never_begun_with(old: Past) -> None:
    other = Past()
    other.work("Jun", 9, by="Ana")
    other.seal_all()
    _, chunks = handed_out(other.here)
    again = Again(old, "Jun", changed={0: chunks[0]})
    node = begun(again)
    outlook = node.assessor.outlook()
    assert outlook.alarm and outlook.height == 0
    assert node.assessor.build((), 10**13) is None
    assert members_before(node.store, again.community) is None


def test_a_history_that_begins_with_the_same_comes_to_the_same_roots(old: Past) -> None:
    again = Again(old, "Jun")
    node = begun(again)
    kept = seal_once([node], again.signers(), old.now_ms + 60_000)
    node.kept.refresh()
    begins = start(node.store, again.community)
    assert begins is not None and start(old.here.store, old.community) is None
    history = History(again.community)
    history.begin(*begins)
    history.add_documents(again.documents)
    history.add(again.records)
    ((advance, seal),) = node.kept.past()
    covered = history.covered(advance)
    outcome = history.conclude(advance, covered.records)
    assert history.roots(outcome).state == kept.sealed.seal.state_root
    assert history.roots(outcome).members == kept.sealed.seal.members_root
    assert seal == kept.sealed.seal.id
    rules = node.kept.ruleset
    args = (again.community, again.records, again.documents, [*node.kept.past()], rules)
    found = backtest(*args, None, begins)
    assert found.height == 4
    assert {one.had for one in found.members} == {one.would for one in found.members} != set()


def test_what_a_member_disputes_ends_with_their_membership_in_the_new_community(old: Past) -> None:
    done = old.work("Jun", 5)
    old.write("Bo", "dispute", {"event": done.id})
    old.seal_all()
    again = Again(old, "Jun")
    node = begun(again)
    seal_once([node], again.signers(), old.now_ms + 60_000)
    begins = start(node.store, again.community)
    assert begins is not None
    history = History(again.community)
    history.begin(*begins)
    bo = again.follow(old, "Bo")
    left = bo.write("member.leave", {})
    node.take(again.records)
    seal_once([node], again.signers(), old.now_ms + 120_000)
    node.kept.refresh()
    history.add_documents(again.documents)
    history.add(again.records)
    assert history.verdict(left.id) is None and node.kept.verdict(left) is None
    for state in (history.state, node.kept.final):
        assert [*state.items(DISPUTE)] == []
        row = event_row(state, done.id)
        assert row is not None and row.disputes == 0


def test_two_who_found_anew_make_two_communities_that_share_nothing(old: Past) -> None:
    mine, other = Again(old, "Jun"), Again(old, "Ana")
    assert mine.community != other.community
    first, second = mine.records[0], other.records[0]
    assert parent_of(first) == parent_of(second)
    assert chain.chain_start(first).height == chain.chain_start(second).height == 3
    assert chain.chain_start(first).witnesses != chain.chain_start(second).witnesses


def test_who_belongs_is_known_before_anything_is_folded(old: Past) -> None:
    again = Again(old, "Jun")
    state = members_before(begun(again).store, again.community)
    assert state is not None
    for name in ("Mei", "Jun", "Ana", "Bo"):
        row = registry.member_row(state, old.pens[name].owner.id)
        assert row is not None and (row.status, row.devices) == ("active", 0)
    assert members_before(begun(again, 1).store, again.community) is None
    assert members_before(old.here.store, old.community) is None
    assert set(signers_of(old)) & set(again.signers()) == set()


def test_who_belongs_is_known_in_a_light_home_too(old: Past) -> None:
    again = Again(old, "Jun")
    node = begun(again)
    before = members_before(node.store, again.community)
    jun = again.pens["Jun"]
    node.take([jun.write("event", {"action": "work"}) for _ in range(4)])
    assert node.store.raise_base(jun.key, len(jun.log) - 1)
    while node.store.to_drop() is not None:
        node.store.drop_some(100)
    node.store.commit()
    assert node.store.wire(jun.log[-2].id) is None
    after = members_before(node.store, again.community)
    assert before is not None and after is not None
    assert [*after.items(registry.MEMBER)] == [*before.items(registry.MEMBER)] != []
    assert start(node.store, again.community) is not None
