"""Requests for our state: each is answered or asked again, and few of them wait at a time."""

from __future__ import annotations

import pytest

from commonweal.node.service.consensus import state_sync
from commonweal.node.service.consensus.state_sync import GIVERS_ASKED_MAX
from commonweal.node.service.events import AskLedger, ReadStateChunk, StateAnswered
from commonweal.node.transport import Disconnected, FrameReceived
from commonweal.protocol.wire import frame_codec
from commonweal.protocol.wire.state_sync import StatePart, WantState
from commonweal.storage.consensus.offers import StateOffers
from tests.fuzz.test_service import Stage
from tests.sim.consensus.test_seals import until
from tests.sim.consensus.test_state_sync import height, late, sealed


def asked(stage: Stage, number: int) -> list[ReadStateChunk]:
    """Let a member ask for a chunk; return what the ledger is asked."""
    frame = frame_codec.encode(WantState(0, number, 0))
    actions = stage.service.handle(FrameReceived(stage.member, frame), stage.now_ms)
    requests = [action.request for action in actions if isinstance(action, AskLedger)]
    return [request for request in requests if isinstance(request, ReadStateChunk)]


def test_what_the_ledger_could_not_read_is_asked_again() -> None:
    stage = Stage(1)
    stage.link(stage.member)
    request = ReadStateChunk(0, 0)
    assert asked(stage, 0) == [request]
    assert asked(stage, 0) == [], "it is being read"
    stage.handle(StateAnswered(request, None))
    assert asked(stage, 0) == [request]


def test_who_asks_and_leaves_again_and_again_makes_few_requests_wait() -> None:
    stage = Stage(1)
    requests: list[ReadStateChunk] = []
    for number in range(2 * GIVERS_ASKED_MAX):
        stage.link(stage.member)
        requests += asked(stage, number)
        stage.handle(Disconnected(stage.member, "gone"))
    assert len(requests) == GIVERS_ASKED_MAX
    for request in requests:
        stage.handle(StateAnswered(request, None))
    stage.link(stage.member)
    assert asked(stage, 0) == [ReadStateChunk(0, 0)]


def test_where_nobody_has_a_state_now_it_is_not_asked_for_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = sealed(3, 12, members=1)
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 0)

    def none(self: StateOffers, now_ms: int) -> None:
        return None

    with monkeypatch.context() as away:
        away.setattr(StateOffers, "offer", none)
        node, told = late(world), 0
        receive = node.service.state_sync.receive

        def counted(*args: object) -> None:
            nonlocal told
            told += isinstance(args[1], StatePart)
            receive(*args)  # type: ignore[arg-type]

        away.setattr(node.service.state_sync, "receive", counted)
        world.run(12_000)
        assert 1 <= told <= 4, "one each PATIENCE_MS"
    until(world, lambda: height(node) >= 12, 30_000, "who joined does not follow")
