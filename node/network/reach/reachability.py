"""Reachability: asks members how they see this node, and which of its addresses they can dial.

A confirmation counts only if the member that gives it has also come to our listener meanwhile and
proven its key, so one that never dials confirms nothing. Members are asked one after another, a few
in each round; another round follows when the addresses change and after ROUND_S.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import trio

from commonweal.node.network.addresses import parse
from commonweal.node.network.channel.noise import why
from commonweal.node.network.connections.connection import Connection
from commonweal.node.network.reach.own_addresses import OwnAddresses
from commonweal.node.network.reach.reach_stream import (
    ASKED_MAX,
    ReachAnswer,
    ask,
)
from commonweal.node.reach_state import DialBackResult, ReachState
from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import PeerKey
from commonweal.protocol.identity.public_hosts import is_public_host

log = logging.getLogger(__name__)

ROUND_S: Final = 20 * 60.0
"""Time after which members are asked again; well below CONFIRMED_MS_MAX."""
ROUNDS_PER_S: Final = 1 / 30
ROUNDS_BURST: Final = 4
"""Rounds begun because addresses changed, which a member who lies about them could cause."""
FIRST_S: Final = 1.0
"""Pause between the first link and the first question, so that more links may come."""
BETWEEN_S: Final = 3.0
"""Pause between two questions of a round."""
TEST_S: Final = 8.0
"""Longest time of a test that a member waits for."""
ROUTER_S: Final = 8.0
"""Longest time that a test waits for the router's answer: a node that has just started asks it in
three protocols, each with seconds of patience."""
ROUTER_LOOK_S: Final = 0.1
ASKED_PER_ROUND_MIN: Final = 2
"""Members asked even when the first one confirms: two see a router's mapping from two places."""
ASKED_PER_ROUND_MAX: Final = 4


class Reachability:
    """What members tell about the addresses of one node, into `own`.

    members: returns the connections of admitted peers.
    """

    def __init__(
        self,
        own: OwnAddresses,
        members: Callable[[], Sequence[Connection]],
        now_ms: Callable[[], int],
    ) -> None:
        self._own, self._members, self._now_ms = own, members, now_ms
        self._came: dict[PeerKey, bool] = {}
        """By member that is being asked: whether it came to our listener meanwhile."""
        self._asked: dict[PeerKey, None] = {}
        """The members asked in this round."""
        self._about: tuple[str, ...] = ()
        self._round_at, self._round_ms = -math.inf, 0
        self._rounds = TokenBucket(ROUNDS_PER_S, ROUNDS_BURST)
        self._asking = trio.Lock()
        self._wakes = trio.Event()

    def wake(self) -> None:
        """Look again whether somebody is to be asked: a member is linked, or an address is new."""
        self._wakes.set()

    def linked(self, peer: PeerKey) -> None:
        """Note that a member is linked; one who was asked before may now see another address."""
        if peer in self._asked and self._rounds.spend(1):
            self._round_at = -math.inf
        self.wake()

    def restart(self) -> None:
        """Begin another round: this machine is on another network."""
        self._round_at = -math.inf
        self.wake()

    def arrived(self, peer: PeerKey) -> None:
        """Note that a peer came to our listener and proved its key."""
        if peer in self._came:
            self._came[peer] = True

    async def run(self) -> None:
        """Ask members until cancelled."""
        while True:
            self._wakes = trio.Event()
            self._own.expire(self._now_ms())
            if self._next() is not None:
                await trio.sleep(FIRST_S)
            pause = max(BETWEEN_S, self._round_at + ROUND_S - trio.current_time())
            if (connection := self._next()) is not None:
                await self.ask(connection)
                pause = BETWEEN_S
            with trio.move_on_after(pause):
                await self._wakes.wait()

    async def ask(self, connection: Connection) -> None:
        """Ask one member, and note its answer. What it refuses or breaks is logged."""
        peer, mux = connection.peer, connection.mux
        async with self._asking:
            self._asked[peer] = None
            about = self._untested(peer)[:ASKED_MAX]
            if mux is None:
                return
            self._came[peer] = False
            try:
                answer = await ask(mux, about)
                self._note(peer, about, answer, came=self._came[peer])
            except Exception as error:  # the wall around libp2p, and around what a member says
                log.info("%s does not say how it sees us: %s", connection.address, why(error))
            finally:
                del self._came[peer]

    def state(self) -> ReachState:
        """Return what is known of our own addresses."""
        self._own.expire(self._now_ms())
        relayed = tuple(link.peer for link in self._members() if link.relayed)
        return replace(self._own.state(), relayed_links=relayed)

    async def test(self) -> ReachState:
        """Return what is known once members were asked now, for TEST_S at most.

        Addresses that were confirmed before are dialled again. A member that has not said yet how
        it sees this node is asked once more, about the address that it names. Before that, a router
        that is being asked has ROUTER_S to answer.
        """
        with trio.move_on_after(ROUTER_S):
            while self._own.is_router_asked:  # noqa: ASYNC110  own addresses know no events
                await trio.sleep(ROUTER_LOOK_S)
        with trio.move_on_after(TEST_S):
            await self._test()
        return self.state()

    async def _test(self) -> None:
        """Ask until a member has met this node from outside or ASKED_PER_ROUND_MAX were asked."""
        self._begin_round()
        for connection in self._direct()[:ASKED_PER_ROUND_MAX]:
            for _ in range(2):
                before = self._untested(connection.peer)
                await self.ask(connection)
                if self._own.is_reachable(self._round_ms):
                    return
                if self._untested(connection.peer) == before:
                    break

    def _note(
        self, peer: PeerKey, candidates: Sequence[str], answer: ReachAnswer, *, came: bool
    ) -> None:
        now_ms = self._now_ms()
        if answer.seen:
            self._own.observe(peer, answer.seen, now_ms)
        for address, result in zip(candidates, answer.results, strict=True):
            if result is DialBackResult.REACHED and came:
                outside = self._is_outside(answer.seen)
                self._own.confirm(address, peer, now_ms, from_outside=outside)
            elif result in (DialBackResult.NO_ANSWER, DialBackResult.ANOTHER_NODE):
                self._own.deny(address, peer, now_ms, result)
        log.info("a member sees us at %s", answer.seen or "a relay")

    def _is_outside(self, seen: str) -> bool:
        """Return whether a member at whose end we have this address is outside our network."""
        if not seen:
            return False
        host = parse(seen).host
        return is_public_host(host) or host not in {place.host for place in self._own.interfaces}

    def _next(self) -> Connection | None:
        """Return the member to be asked next in this round, or begin another when it is time."""
        is_due = trio.current_time() - self._round_at >= ROUND_S
        if is_due or (self._own.candidates() != self._about and self._rounds.spend(1)):
            self._begin_round()
        asked = len(self._asked)
        if asked >= ASKED_PER_ROUND_MIN and not self._untested():
            return None
        if asked >= ASKED_PER_ROUND_MAX:
            return None
        return next((link for link in self._direct() if link.peer not in self._asked), None)

    def _begin_round(self) -> None:
        self._round_at, self._round_ms = trio.current_time(), self._now_ms()
        self._about = self._own.candidates()
        self._asked.clear()

    def _untested(self, peer: PeerKey | None = None) -> list[str]:
        """Return the candidates that nobody confirmed in this round.

        peer: those at the host where this member sees us come first, and names: it dials no other.
        """
        confirmed = self._own.confirmed_since(self._round_ms)
        left = [address for address in self._own.candidates() if address not in confirmed]
        seen = self._own.observed_by(peer) if peer is not None else ""
        host = parse(seen).host if seen else ""
        return sorted(left, key=lambda address: not _may_lead_to(address, host))

    def _direct(self) -> list[Connection]:
        """Return the linked members that see this node itself; those at public addresses first."""
        direct = [connection for connection in self._members() if not connection.relayed]
        return sorted(direct, key=lambda connection: not _is_far(connection.address))


def _may_lead_to(address: str, host: str) -> bool:
    endpoint = parse(address)
    return endpoint.kind not in ("ip4", "ip6") or endpoint.host == host


def _is_far(address: str) -> bool:
    endpoint = parse(address)
    return endpoint.kind in ("ip4", "ip6") and is_public_host(endpoint.host)
