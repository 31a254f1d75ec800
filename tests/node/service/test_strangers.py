"""What those who have proven nothing, or little, can make a service keep, say and believe."""

from __future__ import annotations

from dataclasses import replace

from commonweal.node.service.core import ENDS_KEPT_MAX
from commonweal.node.service.events import Dial, Send, Woke
from commonweal.node.service.peers.overlay import (
    MOVE_MS,
    NEAR_AGAIN_MS,
    NEAR_MAX,
    RETRY_ALONE_MS_MAX,
    RETRY_MS_MIN,
)
from commonweal.node.transport import (
    Connected,
    DialFailed,
    Disconnected,
    FrameReceived,
    Listening,
    PeerDiscovered,
)
from commonweal.protocol.identity import signed_address
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.wire import frame_codec, messages
from tests.fuzz.test_service import Stage

STRANGERS = 2_000
MINUTE_MS = 60_000


def key(number: int) -> PeerKey:
    return PeerKey(number.to_bytes(32, "big"))


def come_and_go(stage: Stage, strangers: int) -> None:
    for number in range(strangers):
        stage.handle(Connected(key(number), "/ip4/10.9.9.9/tcp/1", outbound=False))
        stage.handle(Disconnected(key(number), "gone"))
        if number % 100 == 0:
            stage.turn()
    stage.turn()


def test_strangers_who_come_and_go_leave_nothing() -> None:
    stage = Stage(1)
    come_and_go(stage, ENDS_KEPT_MAX)
    before = stage.held()
    come_and_go(stage, STRANGERS)
    assert stage.held() < before + 100


def test_strangers_do_not_push_out_why_a_member_was_dropped() -> None:
    stage = Stage(1)
    session = stage.service.core.peers[stage.member]
    stage.service.core.drop(session, "broke the rules")
    come_and_go(stage, 2 * ENDS_KEPT_MAX)
    (named,) = [one for one in stage.service.queries.peers() if one["peer"] == stage.member]
    assert named["dropped"] == "broke the rules"


def test_a_stranger_who_comes_in_refuses_nobody() -> None:
    stage = Stage(1)
    stage.link(stage.stranger)
    stage.handle(
        FrameReceived(
            stage.stranger, frame_codec.encode(messages.Bye("invite-used", "pay Eve first"))
        )
    )
    assert stage.service.handshake.refusal is None
    assert stage.stranger not in stage.service.core.peers


def test_whom_we_asked_may_refuse_us() -> None:
    stage = Stage(1)
    stage.handle(Connected(stage.stranger, "/ip4/10.9.9.9/tcp/1", outbound=True))
    stage.handle(
        FrameReceived(stage.stranger, frame_codec.encode(messages.Bye("invite-used", "by another")))
    )
    assert stage.service.handshake.refusal == ("invite-used", "by another")


def test_hellos_without_end_are_ended() -> None:
    stage = Stage(1)
    hello = next(
        one for one in stage.traffic if isinstance(frame_codec.decode(one), messages.Hello)
    )
    stage.link(stage.member)
    for _ in range(100):
        stage.handle(FrameReceived(stage.member, hello))
    assert "speaks out of place" in stage.drops


def test_what_is_announced_near_pushes_no_address_out() -> None:
    stage = Stage(1)
    peering = stage.service.overlay
    (known,) = [one for one in peering.contacts() if one.peer == stage.member]
    assert known.signed and known.addresses
    for number in range(20):
        false = tuple(f"/ip4/10.6.6.{i}/tcp/{1 + number}" for i in range(16))
        stage.handle(PeerDiscovered(stage.member, false))
    (kept,) = [one for one in stage.store.addresses() if one.peer == stage.member]
    assert kept.addresses == known.addresses
    for peer in list(stage.service.core.peers):
        stage.handle(Disconnected(peer, "gone"))
    peering._try(stage.member).due_ms = 0
    dials = []
    for _ in range(5):
        stage.now_ms += 1_000
        dials += stage.service.handle(Woke(), stage.now_ms)
    dialled = next(one for one in dials if isinstance(one, Dial) and one.peer == stage.member)
    assert set(known.addresses) < set(dialled.addresses), "theirs are tried, and what is near too"
    assert len(dialled.addresses) <= len(known.addresses) + NEAR_MAX


def test_announcements_near_make_a_member_dialled_once_in_a_while() -> None:
    """Anybody near can send them, each second, with other addresses every time."""
    stage = Stage(1)
    for peer in list(stage.service.core.peers):
        stage.handle(Disconnected(peer, "gone"))

    def dials(begin_ms: int, *, announced: bool) -> list[int]:
        """Return after how many seconds of a minute the member is dialled, always in vain."""
        at: list[int] = []
        for second in range(60):
            now_ms, where = begin_ms + 1_000 * second, f"/ip4/10.6.6.6/tcp/{1 + second}"
            if announced:
                stage.service.handle(PeerDiscovered(stage.member, (where,)), now_ms)
            for action in stage.service.handle(Woke(), now_ms):
                if isinstance(action, Dial):
                    stage.service.handle(DialFailed(action.peer, where, "refused"), now_ms)
                    at += [second] if action.peer == stage.member else []
        return at

    dials(stage.now_ms + MINUTE_MS, announced=False)
    alone = dials(stage.now_ms + 2 * MINUTE_MS, announced=False)
    near = dials(stage.now_ms + 3 * MINUTE_MS, announced=True)
    assert near[0] == 0, "who comes near is dialled at once"
    assert len(near) <= MINUTE_MS // RETRY_ALONE_MS_MAX * 2 + MINUTE_MS // NEAR_AGAIN_MS
    assert len(alone) <= MINUTE_MS // RETRY_ALONE_MS_MAX * 2


def test_a_member_who_moves_without_end_is_passed_on_now_and_then() -> None:
    stage = Stage(1)
    mover = next(one for one in stage.node.world.nodes if one.key == stage.member)
    replica, host = mover.service.core.replica, mover.service.core.me.host
    passed = 0
    for number in range(200):
        where = (f"/ip4/10.1.1.1/tcp/{1 + number}",)
        now_ms = stage.now_ms + 200_000 + number
        moved = signed_address.sign(host, replica.community, now_ms, where)
        frame = frame_codec.encode(messages.Addresses((moved.to_bytes(),)))
        actions = stage.service.handle(
            FrameReceived(stage.member, frame), stage.now_ms + 50 * number
        )
        passed += sum(isinstance(one, Send) for one in actions)
    assert 0 < passed <= 3 * len(stage.service.core.members())


def test_who_moves_twice_at_once_is_found_at_the_last_place_and_told_to_others() -> None:
    stage = Stage(1)
    mover = next(one for one in stage.node.world.nodes if one.key == stage.member)
    replica, host = mover.service.core.replica, mover.service.core.me.host
    sent, moved, start_ms = [], b"", stage.now_ms + 2 * MOVE_MS
    for number in range(2):
        where = (f"/ip4/10.1.1.1/tcp/{1 + number}",)
        now_ms = stage.now_ms + 200_000 + number
        moved = signed_address.sign(host, replica.community, now_ms, where).to_bytes()
        frame = frame_codec.encode(messages.Addresses((moved,)))
        sent += stage.service.handle(FrameReceived(stage.member, frame), start_ms + number)
        (known,) = [one for one in stage.service.overlay.contacts() if one.peer == stage.member]
        assert known.addresses == where
    others = len(stage.service.core.members()) - 1
    told = [one.peer for one in sent if isinstance(one, Send)]
    assert others and len(told) == others, "of the first move only"
    later = stage.service.handle(Woke(), start_ms + MOVE_MS)
    told = [one.peer for one in later if isinstance(one, Send) and moved in one.frame]
    assert len(told) == len(stage.service.core.members())


def test_a_node_that_comes_to_another_network_dials_at_once_who_was_not_there() -> None:
    stage = Stage(1)
    overlay = stage.service.overlay
    for peer in list(stage.service.core.peers):
        stage.handle(Disconnected(peer, "gone"))
    for _ in range(12):
        stage.handle(DialFailed(stage.member, "/ip4/10.1.1.1/tcp/1", "no answer in time"))
    assert overlay._try(stage.member).due_ms - stage.now_ms >= RETRY_ALONE_MS_MAX // 2
    stage.handle(Listening(("/ip4/10.2.2.2/tcp/1",)))
    assert overlay._try(stage.member).due_ms - stage.now_ms <= RETRY_MS_MIN


def test_a_dial_that_has_more_addresses_to_try_is_not_over() -> None:
    stage = Stage(1)
    for peer in list(stage.service.core.peers):
        stage.handle(Disconnected(peer, "gone"))
    dial = stage.service.overlay._try(stage.member)
    dial.dialling, pause_ms = True, dial.pause_ms
    failed = DialFailed(stage.member, "/ip4/10.1.1.1/tcp/1", "no answer in time", more=True)
    stage.handle(failed)
    assert (dial.dialling, dial.pause_ms) == (True, pause_ms)
    stage.handle(replace(failed, more=False))
    assert (dial.dialling, dial.pause_ms) == (False, 2 * pause_ms)
