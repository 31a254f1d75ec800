"""The places for strangers: shared by network, and half of them kept for where members are."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from commonweal.node.network.connections.accept_limit import (
    NETWORK_BURST,
    NETWORK_PER_S,
    STRANGERS_MAX,
    UNKNOWN_MAX,
    AcceptLimit,
    PendingConnection,
    network_of,
)


async def flood(door: AcceptLimit, host: str, per_s: int, seconds: float) -> int:
    """Come again and again and stay; return how often there was a place."""
    taken = 0
    for _ in range(int(per_s * seconds)):
        await trio.sleep(1 / per_s)
        taken += door.enter(host, lambda: None) is not None
    return taken


async def test_sixty_connections_a_second_from_one_stranger_keep_nobody_else_out(
    autojump_clock: MockClock,
) -> None:
    door = AcceptLimit()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flood, door, "203.0.113.9", 60, 20)
        await trio.sleep(5)
        for number in range(40):
            await trio.sleep(0.25)
            closed: list[None] = []
            visit = door.enter(f"198.51.{number}.7", partial(closed.append, None))
            assert visit is not None, f"newcomer {number} is refused"
            await trio.sleep(0.1)
            assert not closed, f"newcomer {number} gave way to the flood"
            door.leave(visit)
        assert len(door) <= UNKNOWN_MAX


async def test_strangers_from_everywhere_leave_half_to_where_members_are(
    autojump_clock: MockClock,
) -> None:
    door = AcceptLimit()
    door.know(("/ip4/192.0.2.5/tcp/1", "/dns/example.org/tcp/1", "junk"))
    for number in range(200):
        door.enter(f"10.{number}.1.1", lambda: None)
    assert len(door) == STRANGERS_MAX // 2
    visits = [door.enter("192.0.2.5", lambda: None) for _ in range(STRANGERS_MAX // 2)]
    assert None not in visits
    assert len(door) == STRANGERS_MAX


async def test_networks_share_the_places(autojump_clock: MockClock) -> None:
    door = AcceptLimit()
    inside: list[PendingConnection] = []
    for _ in range(UNKNOWN_MAX):
        first = door.enter("203.0.113.9", partial(inside.__delitem__, 0))
        assert first is not None
        inside.append(first)
    for number in range(UNKNOWN_MAX // 2):
        assert door.enter(f"198.51.100.{number}", lambda: None) is not None
    assert len(inside) == UNKNOWN_MAX // 2, "the one with most gives way, until both have as many"
    assert door.enter("198.51.100.99", lambda: None) is None, "and then waits for its own turn"


async def test_one_network_may_come_so_often(autojump_clock: MockClock) -> None:
    door = AcceptLimit()
    door.know(("/ip4/192.0.2.5/tcp/1", "/dns/example.org/tcp/1", "junk"))
    counts: Counter[bool] = Counter()
    for _ in range(NETWORK_BURST + 1):
        visit = door.enter("192.0.2.5", lambda: None)
        counts[visit is not None] += 1
        if visit is not None:
            door.leave(visit)
    assert counts == {True: NETWORK_BURST, False: 1}
    await trio.sleep(1 / NETWORK_PER_S)
    assert door.enter("192.0.2.5", lambda: None) is not None


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("127.0.0.1", "127.0.0.0/24"),
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
    ],
)
def test_a_network_is_what_one_subscriber_has(host: str, network: str) -> None:
    assert network_of(host) == network
