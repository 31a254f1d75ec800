"""Links are soon dialled again after this machine slept, or its line was down."""

from __future__ import annotations

from commonweal.node.service.events import Dial, Drop, Woke
from commonweal.node.service.peers.overlay import RETRY_ALONE_MS_MAX, RETRY_MS_MAX
from commonweal.node.transport import DialFailed, Disconnected
from tests.fuzz.test_service import Stage

HOUR_MS = 3_600_000
SOON_MS = 1_000
FAILURES = 12
"""After this many each pause is the longest."""


def dial_in_vain(stage: Stage) -> int:
    """Return the pause before the member is dialled again, after many failures."""
    for _ in range(FAILURES):
        stage.handle(DialFailed(stage.member, "/ip4/10.1.1.1/tcp/1", "no answer in time"))
    return stage.service.overlay._try(stage.member).due_ms - stage.now_ms


def test_who_is_linked_with_nobody_dials_again_soon_however_often_it_failed() -> None:
    stage = Stage(1)
    for peer in list(stage.service.core.peers):
        stage.handle(Disconnected(peer, "gone"))
    assert not stage.service.core.members()
    assert RETRY_ALONE_MS_MAX // 2 <= dial_in_vain(stage) <= RETRY_ALONE_MS_MAX


def test_who_is_linked_with_others_dials_a_member_that_is_away_less_often() -> None:
    stage = Stage(1)
    stage.handle(Disconnected(stage.member, "gone"))
    assert stage.service.core.members()
    assert RETRY_ALONE_MS_MAX < RETRY_MS_MAX // 2 <= dial_in_vain(stage) <= RETRY_MS_MAX


def test_who_slept_for_an_hour_ends_its_links_at_once_and_dials_again() -> None:
    stage = Stage(1)
    linked = [peer.key for peer in stage.service.core.members()]
    woke_ms = stage.now_ms + HOUR_MS
    ended = stage.service.handle(Woke(), woke_ms)
    assert {action.peer for action in ended if isinstance(action, Drop)} == set(linked)
    dialled = stage.service.handle(Woke(), woke_ms + SOON_MS)
    assert stage.member in {action.peer for action in dialled if isinstance(action, Dial)}
