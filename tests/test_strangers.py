"""What those who have proven nothing, or little, can make a service keep, say and believe."""

from __future__ import annotations

from commonweal.node.link import Connected, Disconnected, Received
from commonweal.node.session import ENDS_KEPT_MAX
from commonweal.protocol import wire
from commonweal.protocol.keys import PeerKey
from tests.fuzz.test_service import Stage

STRANGERS = 2_000


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
    session = stage.service.desk.sessions[stage.member]
    stage.service.desk.drop(session, "broke the rules")
    come_and_go(stage, 2 * ENDS_KEPT_MAX)
    (named,) = [one for one in stage.service.reporting.peers() if one["peer"] == stage.member]
    assert named["dropped"] == "broke the rules"


def test_a_stranger_who_comes_in_refuses_nobody() -> None:
    stage = Stage(1)
    stage.link(stage.stranger)
    stage.handle(Received(stage.stranger, wire.encode(wire.Bye("invite-used", "pay Eve first"))))
    assert stage.service.gate.refusal is None
    assert stage.stranger not in stage.service.desk.sessions


def test_whom_we_asked_may_refuse_us() -> None:
    stage = Stage(1)
    stage.handle(Connected(stage.stranger, "/ip4/10.9.9.9/tcp/1", outbound=True))
    stage.handle(Received(stage.stranger, wire.encode(wire.Bye("invite-used", "by another"))))
    assert stage.service.gate.refusal == ("invite-used", "by another")


def test_hellos_without_end_are_ended() -> None:
    stage = Stage(1)
    hello = next(one for one in stage.traffic if isinstance(wire.decode(one), wire.Hello))
    stage.link(stage.member)
    for _ in range(100):
        stage.handle(Received(stage.member, hello))
    assert "speaks out of place" in stage.drops
