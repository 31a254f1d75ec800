"""What the service keeps of a peer: each part its own, and nothing once the peer has left."""

from __future__ import annotations

from dataclasses import fields

import pytest

from commonweal.node.service.events import Committed, Woke
from commonweal.node.service.peer import PeerState
from commonweal.node.service.service import Service
from commonweal.node.transport import Connected, Disconnected, FrameProgress, FrameReceived
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.wire import frame_codec, messages
from tests.fuzz.test_service import Stage
from tests.protocol.wire.test_messages import MESSAGES

KEPT_ON_PURPOSE = {
    "Core.ends": "members ask why a link ended",
    "Overlay._book": "addresses outlive links",
    "Overlay._tries": "so do the pauses between dials",
    "Overlay._passed_ms": "and how often an address was handed on",
    "StateSync.silent": "a peer that gave no state is asked last, whatever link it comes by",
}


def keyed_by(service: Service, key: PeerKey) -> set[str]:
    """Return the attributes of a service and its parts that are dicts with this key."""
    names: set[str] = set()
    parts: list[object] = [service]
    for part in parts:
        attributes = getattr(part, "__slots__", None) or vars(part)
        for name in attributes:
            value = getattr(part, name)
            if isinstance(value, dict) and key in value:
                names.add(f"{type(part).__name__}.{name}")
            in_service = type(value).__module__.startswith("commonweal.node.service")
            if in_service and all(value is not other for other in parts):
                parts.append(value)
    return names


@pytest.mark.parametrize("how", ["the link ends", "it is dropped"])
def test_nothing_is_kept_of_a_peer_that_left(how: str) -> None:
    stage = Stage(11)
    others = [key for key in stage.service.core.peers if key != stage.member]
    for key in others:
        stage.handle(Disconnected(key, "of no matter here"))
    stage.link(stage.member)
    for message in MESSAGES.values():
        stage.hear(stage.member, frame_codec.encode(message))
        stage.handle(FrameProgress(stage.member, 1 << 20))
    stage.handle(Committed())
    stage.now_ms += 2_000
    stage.handle(Woke())
    seen = keyed_by(stage.service, stage.member)
    if how == "it is dropped" and stage.member in stage.service.core.peers:
        stage.service.core.drop(stage.service.core.peers[stage.member], "broke the rules")
    stage.handle(Disconnected(stage.member, "gone"))
    kept = {name.partition(".")[0] for name in seen}
    assert kept >= {"Core", "RecordFetch", "AntiEntropy", "RecordServer", "ChainSync"}, seen
    left = keyed_by(stage.service, stage.member)
    assert left <= KEPT_ON_PURPOSE.keys()


def test_a_new_link_of_a_peer_begins_with_nothing() -> None:
    stage = Stage(12)
    stage.link(stage.member)
    stage.hear(stage.member, frame_codec.encode(messages.Have((), 0)))
    stage.handle(Connected(stage.member, "/ip4/10.9.9.9/tcp/1", outbound=False))
    held = keyed_by(stage.service, stage.member) - KEPT_ON_PURPOSE.keys()
    assert held == {"Core.peers"}


def test_what_parts_share_about_a_peer_is_little() -> None:
    assert len(fields(PeerState)) <= 15


def test_a_frame_of_a_peer_that_left_leaves_nothing() -> None:
    stage = Stage(13)
    stage.link(stage.member)
    stage.handle(Disconnected(stage.member, "gone"))
    stage.handle(FrameReceived(stage.member, frame_codec.encode(messages.Ping(1))))
    stage.handle(FrameProgress(stage.member, 1 << 20))
    left = keyed_by(stage.service, stage.member)
    assert left <= KEPT_ON_PURPOSE.keys()
