"""A node says its member's name, once, as soon as that member is admitted."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.node.service.events import Answer, Committed, Started, Submitted, Ticket, Wish, Woke
from commonweal.node.service.peer import Identity, PeerState
from commonweal.node.service.replica.chain import SealChain
from commonweal.node.service.replica.replica import Replica
from commonweal.node.service.service import TICK_MS, Service
from commonweal.node.service.writer import NAME, PROFILE
from commonweal.node.transport import FrameProgress, FrameReceived, TrustLevel
from commonweal.protocol.errors import OlderCopy
from commonweal.protocol.records.record import RecordId, read_erasable_body
from commonweal.protocol.wire import frame_codec, messages
from commonweal.storage.ledger.membership import SealedDecisions, put_decisions, read_decisions
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.settings import RESTORING
from tests.protocol.authors import BO, COMMUNITY, EVE, FIRST, FOUNDING, MEI, Author, write

NOW_MS = 1_790_000_000_000


def home(author: Author, name: str | None) -> tuple[Store, Service]:
    """Return the store and the service of an author's home that holds the founding record."""
    store = Store()
    assert FIRST.body is not None
    store.append(MEI.device, [FIRST], {FIRST.body.hash: FOUNDING.body})
    if name is not None:
        store.put_setting(NAME, name.encode())
    store.commit()
    service = Service(store, COMMUNITY, Identity(author.signer, author.host), Random(1))
    return store, service


def meet(service: Service, *, ahead: int = 0) -> None:
    """Let the service have compared with a member's node, which holds `ahead` more of our log."""
    session = PeerState(EVE.peer, "", False, NOW_MS, NOW_MS, TrustLevel.MEMBER, compared=True)
    if ahead:
        device = service.core.me.device
        session.theirs[device] = service.core.replica.row(device).length + ahead
    service.core.peers[EVE.peer] = session


def live(store: Store, service: Service, seconds: int = 3) -> list[str]:
    """Let some time pass; return the names that stand in profiles."""
    service.handle(Started(), NOW_MS)
    for second in range(seconds):
        service.handle(Woke(), NOW_MS + second * TICK_MS)
        store.commit()
        service.handle(Committed(), NOW_MS + second * TICK_MS)
        store.commit()
    names = []
    for record in store.rare():
        if record.kind == PROFILE:
            assert record.body is not None
            body = store.body(record.body.hash)
            assert body is not None
            names.append(read_erasable_body(body)[1].decode())
    return names


def test_a_member_is_introduced_once() -> None:
    assert live(*home(MEI, "小梅")) == [], "nobody was met yet"
    store, service = home(MEI, "小梅")
    meet(service)
    assert live(store, service) == ["小梅"]


def test_a_name_that_a_seal_refused_is_written_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    store, service = home(MEI, "小梅")
    meet(service)
    assert live(store, service) == ["小梅"]
    replica = service.core.replica
    replica.decide(SealedDecisions(nameless=(MEI.id,)))
    assert live(store, service) == ["小梅"], "no seal covers it yet"
    monkeypatch.setattr(Replica, "sealed_length", lambda _self, _author: 2)
    assert live(store, service, 5) == ["小梅", "小梅"]


@pytest.mark.parametrize(("sealed", "written"), [(4, 2), (5, 1)])
def test_a_name_is_written_again_once_the_seal_that_covers_it_is_folded(
    sealed: int, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, service = home(MEI, "小梅")
    meet(service)
    assert live(store, service) == ["小梅"]
    service.core.replica.decide(SealedDecisions(nameless=(MEI.id,), height=4))
    monkeypatch.setattr(Replica, "sealed_length", lambda _self, _author: 2)
    monkeypatch.setattr(SealChain, "height", sealed)
    assert live(store, service, 5) == ["小梅"] * written


def test_a_member_is_introduced_as_soon_as_he_has_met_one() -> None:
    store, service = home(MEI, "小梅")
    service.handle(Started(), NOW_MS)
    meet(service)
    digest = service.core.replica.frontier.digest()
    service.handle(FrameReceived(EVE.peer, frame_codec.encode(messages.Same(digest))), NOW_MS)
    store.commit()
    assert [one.kind for one in store.rare()][-1] == PROFILE


def test_a_home_that_is_an_older_copy_writes_nothing() -> None:
    store, service = home(MEI, "Mei")
    meet(service, ahead=1)
    assert live(store, service) == []
    wish = Wish("event", {})
    service.handle(Submitted(Ticket(1), (wish,)), NOW_MS)
    (answer,) = [one for one in service.handle(Committed(), NOW_MS) if isinstance(one, Answer)]
    assert isinstance(answer.value, OlderCopy)


def test_what_a_seal_decided_is_read_as_it_was_stored() -> None:
    store = Store()
    decided = SealedDecisions(((MEI.id, 3),), height=7, back=(BO.id,), nameless=(EVE.id,))
    put_decisions(store, decided)
    assert read_decisions(store) == decided


def test_a_home_without_a_name_says_nothing() -> None:
    store, service = home(MEI, None)
    meet(service)
    assert live(store, service) == []


def test_who_is_not_admitted_is_not_introduced() -> None:
    store, service = home(BO, "Bo")
    store.append(BO.device, [write(BO, None, kind="device.enrol")])
    store.commit()
    service.reload()
    meet(service)
    assert live(store, service) == []


def test_a_restored_home_waits_for_what_its_member_said_before() -> None:
    store, service = home(MEI, "Mei")
    store.put_setting(RESTORING, b"1")
    meet(service, ahead=1)
    assert live(store, service) == []


@pytest.mark.parametrize("shows", ["nothing", "a forged record", "a record"])
def test_who_claims_later_records_of_ours_is_believed_as_long_as_he_shows_one(shows: str) -> None:
    store, service = home(MEI, None)
    meet(service, ahead=1)
    lost = write(MEI, FIRST, deps=(RecordId(bytes(32)),), clock=9)
    wire_of = lost.wire if shows == "a record" else lost.header + bytes(64)
    frame = frame_codec.encode(
        messages.Runs((messages.Run(MEI.device, 1, (wire_of,)),), 0, asked=False)
    )
    answer = None
    for second in range(60):
        now_ms = NOW_MS + second * TICK_MS
        service.core.peers[EVE.peer].heard_ms = now_ms
        actions = service.handle(Woke(), now_ms)
        if second == 20 and shows != "nothing":
            service.handle(FrameReceived(EVE.peer, frame), now_ms)
        service.handle(Submitted(Ticket(1), (Wish("event", {}),)), now_ms)
        actions = service.handle(Committed(), now_ms)
        (answer,) = [one.value for one in actions if isinstance(one, Answer)]
        store.commit()
        if isinstance(answer, dict):
            break
    assert isinstance(answer, OlderCopy) == (shows == "a record"), answer
    assert second > 20


def test_who_claims_later_records_and_sends_without_end_keeps_us_from_writing_for_minutes() -> None:
    store, service = home(MEI, None)
    meet(service, ahead=1)
    answer = None
    for second in range(3_600):
        now_ms = NOW_MS + second * TICK_MS
        service.handle(FrameProgress(EVE.peer, 1 + second), now_ms)
        service.handle(Woke(), now_ms)
        service.handle(Submitted(Ticket(1), (Wish("event", {}),)), now_ms)
        (answer,) = [
            one.value for one in service.handle(Committed(), now_ms) if isinstance(one, Answer)
        ]
        store.commit()
        if isinstance(answer, dict):
            break
    assert isinstance(answer, dict)
    assert 60 < second < 700
