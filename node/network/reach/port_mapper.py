"""Keeps the node's TCP port open at the home router, for as long as the node runs.

It finds the router, asks it to forward the port, renews that at half of its lifetime, follows a
router that restarts and a machine that moves to another network, and takes the mapping back at
the orderly end. A node that only this computer can reach never asks. What it knows it tells as a
`PortMapping`; it dials nobody and decides nothing about addresses.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from ipaddress import IPv4Address
from typing import Final, TypeAlias

import trio

from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.reach.gateways.default_route import default_route
from commonweal.node.network.reach.gateways.gateway_client import (
    GatewayClient,
    GatewayError,
    GatewayRefused,
    Grant,
    Route,
    VersionUnsupported,
)
from commonweal.node.network.reach.gateways.nat_pmp import NatPmpClient
from commonweal.node.network.reach.gateways.pcp import NONCE_BYTES, PcpClient
from commonweal.node.network.reach.gateways.upnp import UpnpClient
from commonweal.node.reach_state import PortMapping
from commonweal.protocol.identity.public_hosts import is_public_host

log = logging.getLogger(__name__)

FOLLOW_S: Final = 20.0 if sys.platform == "darwin" else 5.0
"""Time between two looks at the route. Linux shows it as a file; macOS needs a process."""
LOOK_S: Final = 20.0
"""Time between two questions to the router whether the mapping still stands."""
MISSES_MAX: Final = 3
"""Questions in a row that the router leaves unanswered before the port counts as lost: a radio that
is disturbed for a minute moves nobody."""
RENEW_S_MIN: Final = 30.0
"""Shortest time between two renewals, however short the lifetime is."""
RETRY_S_MIN, RETRY_S_MAX = 15.0, 600.0
"""Pauses after attempts that failed; each is twice the one before."""
END_S_MAX: Final = 1.0
"""Longest time that taking a mapping back may delay the end of the node."""

FindRoute: TypeAlias = Callable[[], Awaitable[Route | None]]
MakeClient: TypeAlias = Callable[[Route], GatewayClient]


@dataclass(frozen=True, slots=True)
class GatewayClients:
    """What speaks with a gateway: PCP first, NAT-PMP where that is too new, else UPnP."""

    pcp: MakeClient
    nat_pmp: MakeClient = NatPmpClient
    upnp: MakeClient = UpnpClient

    @classmethod
    def of(cls, seed: bytes) -> GatewayClients:
        """Return the clients of the node with this seed.

        Its nonce at a router follows from the seed: a node that was killed, or comes back to a
        network, renews the mapping that it left there, which another nonce would not.
        """

        def pcp(route: Route) -> GatewayClient:
            about = f"port mapping {route.gateway} {route.own}".encode()
            return PcpClient(route, blake2b(about, key=seed, digest_size=NONCE_BYTES).digest())

        return cls(pcp)


@dataclass(slots=True)
class HeldPort:
    """A port that a gateway forwards.

    renew_at, look_at: by the clock of trio. misses: how often in a row it did not answer.
    """

    client: GatewayClient
    route: Route
    grant: Grant
    renew_at: float
    look_at: float
    misses: int = 0


class PortMapper:
    """One port of this node at the router of its network.

    listening: where the node listens, each with its port. clients: what asks a router. told: takes
    each change of what is known, at once. now_ms: the wall clock.
    """

    def __init__(
        self,
        listening: Sequence[Endpoint],
        clients: GatewayClients,
        told: Callable[[PortMapping], None],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        *,
        find_route: FindRoute = default_route,
    ) -> None:
        self._ports = {
            endpoint.host: endpoint.port
            for endpoint in listening
            if endpoint.kind == "ip4" and not IPv4Address(endpoint.host).is_loopback
        }
        self._told, self._now_ms = told, now_ms
        self._find_route, self._clients = find_route, clients
        self._known: PortMapping | None = None
        self._route: Route | None = None
        self._held: HeldPort | None = None
        self._wanted = 0
        self._try_at, self._pause_s = -math.inf, RETRY_S_MIN

    async def run(self) -> None:
        """Keep the port open until cancelled; then take the mapping back, within END_S_MAX."""
        if not self._ports:
            self._tell(PortMapping(reason="local-only"))
            return
        try:
            while True:
                await self._follow()
                await trio.sleep(FOLLOW_S)
        finally:
            with trio.CancelScope(shield=True):
                await self._give_back()

    async def _follow(self) -> None:
        """Do what is due now."""
        route = await self._find_route()
        if route != self._route:
            await self._give_back()
            self._route, self._wanted = route, 0
            self._try_at, self._pause_s = -math.inf, RETRY_S_MIN
        now = trio.current_time()
        if route is None:
            self._tell(PortMapping(reason="no-router"))
        elif (reason := self._needless(route)) is not None:
            self._tell(PortMapping(reason=reason, gateway=route.gateway))
        elif self._held is None:
            if now >= self._try_at:
                await self._open(route)
        elif now >= self._held.renew_at:
            await self._renew(self._held)
        elif now >= self._held.look_at:
            await self._look(self._held)

    def _needless(self, route: Route) -> str | None:
        """Return why this router is not asked; None when it is."""
        if self._port(route) is None:
            return "local-only"
        return "public-already" if is_public_host(route.own) else None

    def _port(self, route: Route) -> int | None:
        """Return the port of this node on its address towards the router."""
        return self._ports.get("0.0.0.0", self._ports.get(route.own))  # noqa: S104

    async def _open(self, route: Route) -> None:
        """Ask the router for the port, in each protocol until one opens it."""
        if self._known is None or self._known.gateway != route.gateway:
            self._tell(PortMapping(reason="asking", gateway=route.gateway))
        port = self._port(route)
        assert port is not None
        answer = PortMapping(reason="silent", gateway=route.gateway)
        makers = [self._clients.pcp, self._clients.upnp]
        while makers:
            client = makers.pop(0)(route)
            try:
                self._hold(client, route, await client.map(port, self._wanted or port))
                return
            except VersionUnsupported:
                makers.insert(0, self._clients.nat_pmp)
            except GatewayRefused as refusal:
                if answer.reason == "silent":
                    answer = replace(answer, way=client.method, reason="refused", said=str(refusal))
            except GatewayError as error:
                log.debug("%s: %s", client.method, error)
        self._try_at = trio.current_time() + self._pause_s
        self._pause_s = min(2 * self._pause_s, RETRY_S_MAX)
        self._tell(answer)

    async def _renew(self, held: HeldPort) -> None:
        """Ask for the same port again; a router that refuses it is asked from the start."""
        try:
            grant = await held.client.map(held.grant.internal_port, held.grant.external_port)
        except GatewayError as error:
            self._miss(held, error)
        else:
            self._hold(held.client, held.route, grant)

    async def _look(self, held: HeldPort) -> None:
        """See whether the mapping still stands; make it again when it does not.

        A router that cannot say is asked for the port again, which is an answer, too.
        """
        held.look_at = trio.current_time() + LOOK_S
        try:
            is_there = await held.client.stands(held.grant)
        except GatewayRefused:
            is_there = False
        except GatewayError as error:
            self._miss(held, error)
            return
        held.misses = 0
        if not is_there:
            held.renew_at = -math.inf  # also when the router is silent now: its epoch is known
            await self._renew(held)

    def _hold(self, client: GatewayClient, route: Route, grant: Grant) -> None:
        now = trio.current_time()
        renew_s = max(RENEW_S_MIN, grant.lifetime_s / 2)
        self._held = HeldPort(client, route, grant, now + renew_s, now + LOOK_S)
        self._wanted, self._pause_s = grant.external_port, RETRY_S_MIN
        address, reason = "", "not-connected"
        if grant.external_host:
            address = str(Endpoint("ip4", grant.external_host, grant.external_port))
            reason = "" if is_public_host(grant.external_host) else "not-public"
        self._tell(PortMapping(client.method, address, reason, "", route.gateway))

    def _miss(self, held: HeldPort, error: GatewayError) -> None:
        """The router refuses, or is silent: for a moment, or because it forwards nothing now."""
        held.misses += 1
        if held.misses < MISSES_MAX and not isinstance(error, GatewayRefused):
            return
        log.info("the router %s keeps the port no longer: %s", held.route.gateway, error)
        self._held, self._try_at = None, -math.inf
        self._tell(PortMapping(reason="asking", gateway=held.route.gateway))

    async def _give_back(self) -> None:
        """Take the mapping back, if there is one; a router that is gone is not waited for."""
        held, self._held = self._held, None
        if held is None:
            return
        with trio.move_on_after(END_S_MAX):
            try:
                await held.client.unmap(held.grant)
            except GatewayError as error:
                log.debug("the mapping is left to end by itself: %s", error)

    def _tell(self, mapping: PortMapping) -> None:
        """Tell what is known, when it is another than before."""
        mapping = replace(mapping, at_ms=0)
        if mapping != self._known:
            self._known = mapping
            log.info("port mapping: %s %s %s", mapping.way, mapping.address, mapping.reason)
            self._told(replace(mapping, at_ms=self._now_ms()))
