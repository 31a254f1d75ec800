"""Questions of the local API: each is answered, none ends the node."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from commonweal.node.service.events import (
    PLACES_ASKED_MAX,
    Answer,
    Asked,
    Committed,
    Dial,
    Started,
    Submitted,
    Ticket,
    Wish,
    Woke,
)
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.node.transport import DialFailed, FrameReceived
from commonweal.protocol.errors import BadLink, CommonwealError, InvalidRecord, UsageError
from commonweal.protocol.identity.invite import CommunityLink, Contact, to_text
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.wire import frame_codec, messages
from commonweal.storage.records.logs.log_store import Store
from tests.protocol.authors import COMMUNITY, FIRST, FOUNDING, MEI, NOW_MS
from tests.sim.world.world import World

FRIEND = PeerKey(b"f" * 32)
NOWHERE = Contact(FRIEND, ("/ip4/192.0.2.1/tcp/1",))


def answer(question: str, **about: Any) -> Any:
    """Return the value or the error with which a lone founder's node answers."""
    store = Store()
    assert FIRST.body is not None
    store.append(MEI.device, [FIRST], {FIRST.body.hash: FOUNDING.body})
    service = Service(store, COMMUNITY, Identity(MEI.signer, MEI.host), Random(1))
    service.handle(Asked(Ticket(1), question, about), NOW_MS)
    found = [one for one in service.handle(Committed(), NOW_MS) if isinstance(one, Answer)]
    store.close()
    assert [(one.ticket, one.last) for one in found] == [(Ticket(1), True)]
    return found[0].value


@pytest.mark.parametrize(
    ("question", "about", "error"),
    [
        ("holders", {}, InvalidRecord),
        ("holders", {"id": b"x" * 32}, InvalidRecord),
        ("holders", {"id": b""}, InvalidRecord),
        ("holders", {"id": 5}, InvalidRecord),
        ("count-holders", {}, UsageError),
        ("count-holders", {"places": [[MEI.device, 0]] * (PLACES_ASKED_MAX + 1)}, UsageError),
        ("wait", {}, UsageError),
        ("wait", {"ids": [b"x" * 32], "peers": 1}, InvalidRecord),
        ("wait", {"ids": b"x", "peers": 1}, UsageError),
        ("wait", {"ids": [], "peers": "1"}, UsageError),
        ("meet", {}, BadLink),
        ("meet", {"link": 5}, BadLink),
        (
            "meet",
            {"link": to_text(CommunityLink(CommunityId(bytes(32)), (NOWHERE,), None))},
            BadLink,
        ),
        ("riddle", {}, UsageError),
        ("", {"ids": None}, UsageError),
    ],
)
def test_a_bad_question_is_answered_with_what_is_wrong(
    question: str, about: dict[str, Any], error: type[CommonwealError]
) -> None:
    assert isinstance(answer(question, **about), error)


@pytest.mark.parametrize("question", ["status", "peers", "health"])
def test_a_good_question_is_answered(question: str) -> None:
    assert isinstance(answer(question), dict)


def test_a_link_is_dialled_at_once_however_often_the_peer_was_not_reached() -> None:
    store = Store()
    assert FIRST.body is not None
    store.append(MEI.device, [FIRST], {FIRST.body.hash: FOUNDING.body})
    service = Service(store, COMMUNITY, Identity(MEI.signer, MEI.host), Random(1))
    now, failed, places = NOW_MS, 0, NOWHERE.addresses
    store.meet(NOWHERE)
    service.reload()
    for turn in range(40):
        now += 2_000
        tried = service.handle(Woke() if turn else Started(), now)
        for dial in (one for one in tried if isinstance(one, Dial)):
            assert dial == Dial(FRIEND, places)
            service.handle(DialFailed(FRIEND, places[0], "refused"), now)
            failed += 1
    assert 5 < failed < 40, "the pause has grown"
    there = Contact(FRIEND, ("/ip4/192.0.2.2/tcp/2",))
    own = Contact(MEI.peer, ("/ip4/192.0.2.3/tcp/3",))
    service.handle(Woke(), now)
    for link in (
        CommunityLink(COMMUNITY, (own, there), None),
        CommunityLink(COMMUNITY, (there,), None),
    ):
        service.handle(Asked(Ticket(1), "meet", {"link": to_text(link)}), now)
    now += 1_000
    dialled = [one for one in service.handle(Woke(), now) if isinstance(one, Dial)]
    assert dialled == [Dial(FRIEND, (*there.addresses, *places))]
    assert [(one.peer, one.source) for one in store.addresses()] == [(FRIEND, "link")]
    store.close()


def test_a_record_that_nobody_else_holds_has_no_holders() -> None:
    assert answer("holders", id=FIRST.id) == {"holders": [], "connected": 0}


def test_holders_are_counted_for_as_many_places_as_one_question_takes() -> None:
    places = [[MEI.device, 0], [MEI.device, 1], [MEI.device, -1], [b"x" * 32, 0]]
    places += [[MEI.device, 0]] * (PLACES_ASKED_MAX - len(places))
    counted = answer("count-holders", places=places)
    assert counted["held_by"][:4] == [0, None, None, None]
    assert len(counted["held_by"]) == PLACES_ASKED_MAX
    assert counted["connected"] == 0


def test_a_connected_member_is_counted_for_what_they_confirmed() -> None:
    world = World(22)
    world.grow(3)
    world.settle()
    node = world.nodes[0]
    service, me = node.service, node.person.device
    (peer, other) = service.core.members()
    length = service.core.replica.row(me).length
    peer.theirs[me] = length - 1
    other.compared = False
    places = [[me, length - 2], [me, length - 1]]
    service.handle(Asked(Ticket(3), "count-holders", {"places": places}), node.now_ms)
    (counted,) = answers(service, node.now_ms)
    assert counted.value == {"held_by": [1, 0], "connected": 2}


def test_who_waits_hears_when_a_peer_sends_the_record_itself() -> None:
    """It says as well as `Have` does that the peer holds the record."""
    world = World(21)
    world.grow(2)
    world.settle()
    node, peer = world.nodes
    service, me = node.service, node.person.device
    # What it would send now is lost, so the peer has the record from somebody else.
    service.handle(Submitted(Ticket(1), (Wish("event", {"action": "work"}),)), node.now_ms)
    service.handle(Committed(), node.now_ms)
    length = service.core.replica.row(me).length
    id = service.core.replica.row(me).head
    service.handle(Asked(Ticket(2), "wait", {"ids": [id], "peers": 1}), node.now_ms)
    (early,) = answers(service, node.now_ms)
    assert (early.value, early.last) == ({"held_by": 0, "wanted": 1}, False)

    wires = service.core.replica.store.wires(me, length - 1, length, 1 << 20)
    news = messages.Runs((messages.Run(me, length - 1, tuple(wires)),), 0, asked=False)
    service.handle(FrameReceived(peer.key, frame_codec.encode(news)), node.now_ms)
    (late,) = answers(service, node.now_ms)
    assert (late.value, late.last) == ({"held_by": 1, "wanted": 1}, True)


def answers(service: Service, now_ms: int) -> list[Answer]:
    """Return what is answered once all so far is committed."""
    return [one for one in service.handle(Committed(), now_ms) if isinstance(one, Answer)]
