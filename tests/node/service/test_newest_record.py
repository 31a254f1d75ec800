"""A device whose log is far behind cites the newest record that the next cut can take."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.node.service.events import OutlookChanged, Submitted, Ticket, Wish
from commonweal.node.service.newest_record import LAG_CLOCKS_MIN
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.protocol.codec import Value
from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.record import LogPosition, Record, RecordDraft
from commonweal.protocol.vocabulary.budget import Budget
from commonweal.storage.consensus import unsealed
from commonweal.storage.records import light_home
from commonweal.storage.records.seal_store import SealStore
from tests.builders.sealing_nodes import Node, seal_once
from tests.protocol.ledger.village import Pen
from tests.protocol.ledger.workshop import Workshop, hours, paying

NOW_MS = 1_790_000_000_000


class Desk:
    """Ana's node: all that is sealed, then what Jun writes meanwhile."""

    def __init__(self, jun_writes: int = 2 * LAG_CLOCKS_MIN) -> None:
        self.shop = Workshop(paying(), "Jun", "Ana")
        self.shop.work("Jun", 3, by="Ana")
        self.shop.cut()
        self.node = Node(self.shop.community, self.shop.documents)
        self.node.take(self.shop.records)
        SealStore(self.node.store, self.shop.community).put(*self.shop.sealed[-1])
        self.jun, self.ana = self.shop.pens["Jun"], self.shop.pens["Ana"]
        for number in range(jun_writes):
            self.jun.write("unit.define", {"unit": f"jar{number}"})
        self.node.take(self.shop.records)
        self.check_signatures(self.jun)

    def check_signatures(self, pen: Pen) -> None:
        """Let every signature of a log be checked by itself."""
        self.node.store.mark_checked(pen.key, len(pen.log))

    def service(self) -> Service:
        """Return Ana's service, after the ledger concluded."""
        self.node.store.commit()
        identity = Identity(self.ana.signer, self.ana.host)
        service = Service(self.node.store, self.shop.community, identity, Random(1))
        service.handle(OutlookChanged(self.node.assessor.outlook(NOW_MS)), NOW_MS)
        return service

    def written(self, count: int = 1) -> list[Record]:
        """Let Ana write hours; return the records."""
        data: dict[str, Value] = {"action": "work", "provider": bytes(self.ana.owner.id)}
        data["effortQuantity"] = {**hours(1)}
        before = self.node.store.log(self.ana.key).length
        self.service().handle(Submitted(Ticket(0), (Wish("event", data),) * count), NOW_MS)
        wires = self.node.store.wires(self.ana.key, before, before + count, 1 << 20)
        assert len(wires) == count
        return [record.from_bytes_unchecked(wire) for wire in wires]


def test_who_is_far_behind_cites_the_newest_record_once() -> None:
    desk = Desk()
    first, second = desk.written(2)
    newest = desk.jun.log[-1]
    assert first.deps == (newest.id,)
    assert first.clock == newest.clock + 1
    assert (second.deps, second.clock) == ((), first.clock + 1)


def test_what_cites_the_newest_record_is_in_the_next_cut() -> None:
    desk = Desk()
    (written,) = desk.written()
    assert written.deps
    mei = desk.shop.mei
    sealed = seal_once([desk.node], {mei.key: mei.signer}, NOW_MS)
    lengths = {log.author: log.length for log in sealed.delta.logs}
    assert lengths == {desk.ana.key: written.seq + 1, desk.jun.key: len(desk.jun.log)}


@pytest.mark.parametrize(("more", "cites"), [(-1, False), (0, True)])
def test_who_is_hardly_behind_cites_nothing(more: int, cites: bool) -> None:
    desk = Desk(0)
    behind = desk.ana.log[-1].clock + 1
    known = desk.node.kept.cut.clock + 1
    while desk.jun.log[-1].clock < max(behind, known) + LAG_CLOCKS_MIN + more:
        desk.jun.write("unit.define", {"unit": f"jar{len(desk.jun.log)}"})
    desk.node.take(desk.shop.records)
    desk.check_signatures(desk.jun)
    (written,) = desk.written()
    assert written.deps == ((desk.jun.log[-1].id,) if cites else ())


def test_a_light_home_cites_nothing() -> None:
    desk = Desk()
    light_home.keep_heights(desk.node.store, 5)
    (written,) = desk.written()
    assert written.deps == ()


def test_a_log_whose_signatures_are_not_all_checked_is_not_cited() -> None:
    desk = Desk()
    desk.jun.write("unit.define", {"unit": "lid"})
    desk.node.take(desk.shop.records)
    (written,) = desk.written()
    assert written.deps == ()


def test_a_log_that_a_proof_ends_is_not_cited() -> None:
    desk = Desk()
    one = desk.jun.log[-1]
    place = LogPosition(one.community, one.seq, one.prev, one.clock, one.basis)
    twin = record.sign(desk.jun.signer, place, RecordDraft("unit.define", {"unit": "twin"}, 0))
    desk.node.store.freeze(fork_proof.check(one, twin, desk.shop.community))
    (written,) = desk.written()
    assert written.deps == ()


def test_a_newcomer_is_not_cited_before_a_seal() -> None:
    desk = Desk(0)
    bo = desk.shop.join("Bo")
    for number in range(2 * LAG_CLOCKS_MIN):
        bo.write("unit.define", {"unit": f"jar{number}"})
    desk.node.take(desk.shop.records)
    desk.check_signatures(bo)
    assert desk.service().core.replica.member_of(bo.key) == bo.owner.id
    (written,) = desk.written()
    assert written.deps == ()


def test_a_member_who_left_is_not_cited() -> None:
    desk = Desk()
    desk.jun.write("member.leave", {})
    desk.node.take(desk.shop.records)
    desk.check_signatures(desk.jun)
    (written,) = desk.written()
    assert written.deps == ()


def test_nothing_is_cited_while_more_waits_than_a_cut_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    above = sum(row.length for row in desk.node.store.logs()) - len(desk.node.kept.last.logs)
    monkeypatch.setattr(unsealed, "FULL_CUT_RECORDS", above)
    assert desk.written()[0].deps
    monkeypatch.setattr(unsealed, "FULL_CUT_RECORDS", 2 * LAG_CLOCKS_MIN - 1)
    desk = Desk()
    (written,) = desk.written()
    assert written.deps == ()


def test_nothing_is_cited_while_somebody_may_use_up_their_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def small(_budget: Budget, _devices: int) -> tuple[int, ...]:
        return (len(desk.jun.log) * 2 - 1, 1 << 30, 1 << 30, 1 << 30)

    desk = Desk()
    monkeypatch.setattr(unsealed, "log_window", small)
    (written,) = desk.written()
    assert written.deps == ()
