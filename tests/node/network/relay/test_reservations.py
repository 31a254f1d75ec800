"""Reservations are asked for again: with growing pauses, and at once on another network."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
import trio
from libp2p.identity_utils import create_identity_from_seed
from trio.testing import MockClock

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.relay.relay_limits import RESERVATION_S
from commonweal.node.network.relay.relay_links import RelayLinks
from commonweal.node.network.relay.reservations import AGAIN_S, AGAIN_S_MAX, Reservations
from tests.builders.relays import relay_node

HALF_AN_HOUR_S = 1_800


async def test_a_relay_that_is_away_is_asked_soon_again_and_at_once_on_another_network(
    autojump_clock: MockClock,
) -> None:
    asked_s: list[float] = []

    async def nobody(_: Endpoint) -> trio.SocketStream:
        asked_s.append(trio.current_time())
        raise ConnectionRefusedError

    way = parse(f"/ip4/192.0.2.1/tcp/4002/p2p/{relay_node().identity}/p2p-circuit")
    keys = create_identity_from_seed(bytes(32))
    links = RelayLinks(keys, find=lambda _: None, take=_never, connect=nobody)
    reservations = Reservations(
        links, changed=lambda _: None, trusted=lambda _: False, now_s=lambda: 0.0
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(links.run)
        nursery.start_soon(reservations.run)
        reservations.want([way])
        await trio.sleep(HALF_AN_HOUR_S)
        pauses_s = [after - before for before, after in itertools.pairwise(asked_s)]
        assert pauses_s[0] == pytest.approx(AGAIN_S)
        assert max(pauses_s) == pytest.approx(AGAIN_S_MAX)
        assert AGAIN_S_MAX <= 20
        before = len(asked_s)
        await trio.sleep(asked_s[-1] + AGAIN_S_MAX / 2 - trio.current_time() + AGAIN_S_MAX)
        assert len(asked_s) == before + 1
        reservations.restart()
        await trio.sleep(0.1)
        assert len(asked_s) == before + 2
        nursery.cancel_scope.cancel()


class LinksOfALateClock:
    """Grants reservations until half an hour on, by a clock two hours ahead of this one."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []
        self.expires_s = 0
        self.addresses = ()
        self.mux = self
        self.is_closed, self.ended = False, trio.Event()

    @asynccontextmanager
    async def reservation(self, _: Endpoint) -> AsyncIterator[LinksOfALateClock]:
        """Hold one inside."""
        await self.renew()
        yield self

    async def renew(self) -> None:
        """Grant more time."""
        self.asked_s.append(trio.current_time())
        self.expires_s = int(trio.current_time()) + RESERVATION_S


async def test_a_clock_that_is_late_lets_no_reservation_run_out(autojump_clock: MockClock) -> None:
    links = LinksOfALateClock()
    reservations = Reservations(
        cast("RelayLinks", links),
        changed=lambda _: None,
        trusted=lambda _: False,
        now_s=lambda: trio.current_time() - 2 * 3_600,
    )
    way = parse(f"/ip4/192.0.2.1/tcp/4002/p2p/{relay_node().identity}/p2p-circuit")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reservations.run)
        reservations.want([way])
        await trio.sleep(3 * RESERVATION_S)
        nursery.cancel_scope.cancel()
    pauses_s = [after - before for before, after in itertools.pairwise(links.asked_s)]
    assert pauses_s
    assert max(pauses_s) < RESERVATION_S


async def _never(*_: object) -> None:
    raise AssertionError("nobody comes in")
