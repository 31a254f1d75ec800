"""How often peers can make a node dial, at each limit."""

from __future__ import annotations

from trio.testing import MockClock

from commonweal.node.network.punch.punch_limit import (
    CONNECTS_PER_MINUTE,
    COUNTED_MAX,
    HOST_CONNECTS_PER_MINUTE,
    PUNCHES_PER_MINUTE,
    PunchLimit,
)
from commonweal.node.transport import PeerKey


async def test_a_peer_may_ask_so_often_a_minute_and_others_still_may(mock_clock: MockClock) -> None:
    limit = PunchLimit()
    mei, bo = PeerKey(bytes(32)), PeerKey(bytes([1]) * 32)
    assert [limit.may_punch(mei) for _ in range(PUNCHES_PER_MINUTE + 1)].count(True) == (
        PUNCHES_PER_MINUTE
    )
    assert limit.may_punch(bo)
    mock_clock.jump(60)
    assert limit.may_punch(mei)


async def test_a_host_is_tried_so_often_a_minute_and_others_still_are(
    mock_clock: MockClock,
) -> None:
    limit = PunchLimit()
    tried = [limit.may_connect("203.0.113.7") for _ in range(HOST_CONNECTS_PER_MINUTE + 1)]
    assert tried == [True] * HOST_CONNECTS_PER_MINUTE + [False]
    assert limit.may_connect("203.0.113.8")
    mock_clock.jump(60)
    assert limit.may_connect("203.0.113.7")


async def test_all_hosts_together_are_tried_so_often_a_minute(mock_clock: MockClock) -> None:
    limit = PunchLimit()
    hosts = [f"203.0.{number // 250}.{number % 250}" for number in range(CONNECTS_PER_MINUTE + 1)]
    assert [limit.may_connect(host) for host in hosts] == [True] * CONNECTS_PER_MINUTE + [False]
    mock_clock.jump(1)
    assert limit.may_connect("203.0.113.7")


async def test_what_is_counted_is_bounded_and_forgets_no_host_that_was_used_up(
    mock_clock: MockClock,
) -> None:
    limit = PunchLimit()
    while limit.may_connect("203.0.113.7"):
        pass
    for number in range(COUNTED_MAX):
        limit.may_connect(f"198.51.{number // 250}.{number % 250}")
    assert len(limit._hosts) <= COUNTED_MAX
    assert not limit.may_connect("203.0.113.7")
    for number in range(2 * COUNTED_MAX):
        limit.may_punch(PeerKey(number.to_bytes(32, "big")))
    assert len(limit._peers) == COUNTED_MAX
