"""What a peer asks of the record server costs little, however it asks."""

from __future__ import annotations

import pytest

from commonweal.node.service.events import Send
from commonweal.node.service.replica.replica import Replica
from commonweal.node.service.sync.serve import FRAMES_IN_FLIGHT_MAX
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.wire import frame_codec, messages
from tests.fuzz.test_service import Stage

NOBODY = messages.Range(DeviceKey(bytes(32)), 0, 1)


def heard(stage: Stage, message: messages.Message) -> None:
    stage.hear(stage.member, frame_codec.encode(message))


@pytest.fixture
def busy() -> Stage:
    """A node with a member that takes none of the frames that are sent, as many as may be."""
    stage = Stage(1)
    stage.link(stage.member)
    for _ in range(FRAMES_IN_FLIGHT_MAX):
        heard(stage, messages.WantRecords((NOBODY,)))
    return stage


def test_a_peer_that_asks_again_and_again_takes_no_more_memory(busy: Stage) -> None:
    authors = [row.author for row in busy.store.logs()]
    for start in range(20):
        ranges = [messages.Range(author, start % 3, 5) for author in authors]
        heard(busy, messages.WantRecords(tuple(ranges)))
        flow = busy.service.record_server._flows[busy.member]
        assert len(flow.cursors) == len(authors) and len(flow.heap) <= 2 * len(authors)
    assert not busy.drops


def test_of_several_ranges_of_a_log_the_last_one_is_read(
    busy: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = busy.node.person.device
    read: list[tuple[int, int]] = []
    sound = Replica.sound_wires

    def noted(self: Replica, author: DeviceKey, start: int, stop: int, *room: int) -> list[bytes]:
        read.append((start, stop))
        return sound(self, author, start, stop, *room)

    monkeypatch.setattr(Replica, "sound_wires", noted)
    ranges = [messages.Range(author, start % 3, 5) for start in range(messages.RANGES_MAX)]
    heard(busy, messages.WantRecords((*ranges[:-1], messages.Range(author, 4, 5))))
    assert read == [(4, 5)] and not busy.drops


def test_what_was_asked_again_is_sent_once_and_in_order(busy: Stage) -> None:
    authors = [row.author for row in busy.store.logs()]
    for start in (2, 1, 0, 1, 0, 0):
        ranges = [messages.Range(author, start, 5) for author in authors]
        heard(busy, messages.WantRecords(tuple(ranges)))
    server, peer = busy.service.record_server, busy.service.core.peers[busy.member]
    busy.service.core.actions.clear()
    server.taken(peer, FRAMES_IN_FLIGHT_MAX)
    server.pump(peer)
    sent = [action.frame for action in busy.service.core.actions if isinstance(action, Send)]
    frames = map(frame_codec.decode, sent)
    runs = [run for frame in frames if isinstance(frame, messages.Runs) for run in frame.runs]
    wanted = {author: min(5, busy.store.log(author).length) for author in authors}
    assert {run.author: len(run.wires) for run in runs} == wanted and len(runs) == len(authors)
    assert not server._flows[busy.member].cursors
