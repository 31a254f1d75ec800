"""Rounds of erasure: what is settled costs no scan of all records, and is not forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from commonweal.node.service.events import Submitted, Text, Ticket, Wish
from commonweal.node.service.upkeep import erasure
from commonweal.node.service.upkeep.erasure import LATER_MAX, ROUND_MS
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records.record import (
    BodyRef,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
    sign,
)
from commonweal.storage.records.logs.blob_references import authors_naming
from commonweal.storage.records.logs.log_store import Store
from tests.fuzz.test_service import Stage
from tests.sim.world.node import Person

TIMES = 6


class Scene:
    """A node whose member asked for a text to be erased, and what it scans."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = Stage(3)
        self.store = self.stage.store
        self.scans: list[list[bytes]] = []

        def noted(store: Store, hashes: Iterable[bytes]) -> list[tuple[bytes, DeviceKey]]:
            self.scans.append(list(hashes))
            return authors_naming(store, self.scans[-1])

        monkeypatch.setattr(erasure, "authors_naming", noted)
        text = Text("text/plain", b"what I would rather not have said")
        head = self.write(Wish("event", {"action": "work"}, (), text))
        record = self.store.record(head)
        assert record is not None and record.body is not None
        self.text = record.body
        self.write(Wish("body.erase", {"record": bytes(head)}, (head,)))
        assert self.store.is_erased(self.text.hash)
        self.look(ROUND_MS)
        self.scans.clear()

    def write(self, wish: Wish) -> RecordId:
        self.stage.service.handle(Submitted(Ticket(1), (wish,)), self.stage.now_ms)
        self.store.commit()
        return self.store.log(self.stage.node.person.device).head

    def look(self, after_ms: int) -> None:
        """Let some time pass, and a round of erasure, after a governance record came."""
        self.stage.now_ms += after_ms
        self.stage.service.core.tell_time(self.stage.now_ms)
        self.stage.service.core.replica.deciding += 1
        self.stage.service.erasure.step()

    def name(self, person: Person, text: BodyRef | None = None, count: int = 1) -> None:
        """Let another member write records, which may name a text."""
        replica, run = self.stage.service.core.replica, list[Record]()
        row = replica.row(person.device)
        last, clock = row.head, row.clock
        for seq in range(row.length, row.length + count):
            clock += 1
            place = LogPosition(replica.community, seq, last, clock, RecordId(replica.community))
            draft = RecordDraft("event", {"action": "work"}, 1, body=text)
            run.append(sign(person.signer, place, draft))
            last = run[-1].id
        replica.append(person.device, run, {})
        self.store.commit()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    yield Scene(monkeypatch)


def test_an_erased_text_is_not_looked_for_in_all_records_again(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.look(1_000)
    for _ in range(TIMES):
        scene.look(ROUND_MS)
    assert scene.scans == []


@pytest.mark.parametrize("before", [0, LATER_MAX + 1], ids=["few", "many"])
def test_a_text_that_another_member_names_later_comes_back(scene: Scene, before: int) -> None:
    other = scene.stage.node.world.nodes[1].person
    scene.name(other, count=before)
    scene.name(other, scene.text)
    scene.name(other)
    scene.look(1_000)
    assert scene.store.is_erased(scene.text.hash), "it is looked for each minute"
    scene.look(ROUND_MS)
    assert scene.store.wanted_body(scene.text.hash) is not None
    assert len(scene.scans) == (before > LATER_MAX), "one scan of all where many came"
    scene.scans.clear()
    for _ in range(TIMES):
        scene.look(1_000)
        scene.look(ROUND_MS)
    assert scene.store.wanted_body(scene.text.hash) is not None, "it stays"
    assert scene.scans == []


def test_all_is_looked_through_where_others_became_members(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, admitted = scene.stage.node.world.nodes[1].person, membership.was_admitted
    with monkeypatch.context() as stranger:
        stranger.setattr(
            membership,
            "was_admitted",
            lambda state, device: device != other.device and admitted(state, device),
        )
        scene.look(ROUND_MS)
        scene.name(other, scene.text)
        scene.look(ROUND_MS)
        scene.scans.clear()
        scene.look(ROUND_MS)
        assert scene.store.is_erased(scene.text.hash) and scene.scans == []
    scene.look(ROUND_MS)
    assert scene.store.wanted_body(scene.text.hash) is not None


def test_the_texts_that_stay_are_remembered_up_to_a_limit(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "STAYING_MAX", 2)
    part = scene.stage.service.erasure
    for number in range(4):
        part._stay(bytes([number]))
    assert list(part._staying) == [bytes([2]), bytes([3])]
