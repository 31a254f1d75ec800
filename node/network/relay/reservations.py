"""Reservations: a node that is not reached from outside keeps itself reachable through relays.

It holds up to RELAYS_MAX at once, renews each at half of its time, and looks for another when
one ends. Whether relays are needed, and which there are, is told to it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

import trio

from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.channel.noise import why
from commonweal.node.network.relay.relay_limits import RESERVATION_S
from commonweal.node.network.relay.relay_links import RelayLinks, Reserved
from commonweal.protocol.identity.invite import is_address

log = logging.getLogger(__name__)

RELAYS_MAX: Final = 2
"""Reservations held at once: when one relay goes, the other is there."""
CANDIDATES_MAX: Final = 16
AGAIN_S: Final = 5.0
AGAIN_S_MAX: Final = 20.0
"""Pause before a relay that refused or was not there is asked again; it doubles each time. Nobody
reaches this node meanwhile, and what was missing may have been our own line."""
RESERVED_S_MIN: Final = 30.0
"""A relay that grants less is asked as if it granted this; one that grants more than RESERVATION_S,
as if it granted that."""


class Reservations:
    """The reservations of one node.

    changed: takes the circuit addresses that lead to this node, whenever they change. trusted:
    whether the addresses that a relay names of itself are believed, beside the one we use.
    """

    def __init__(
        self,
        links: RelayLinks,
        *,
        changed: Callable[[tuple[str, ...]], None],
        trusted: Callable[[str], bool],
        now_s: Callable[[], float],
    ) -> None:
        self._links, self._changed, self._trusted, self._now_s = links, changed, trusted, now_s
        self._wanted: dict[str, Endpoint] = {}
        self._held: dict[str, tuple[str, ...]] = {}
        self._tried: dict[str, trio.CancelScope] = {}
        self._again: dict[str, tuple[float, float]] = {}
        """By relay: when it is asked again, in trio time, and the pause until then."""
        self._wakes = trio.Event()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The circuit addresses that lead to this node now."""
        return tuple(dict.fromkeys(address for held in self._held.values() for address in held))

    def want(self, relays: Sequence[Endpoint]) -> None:
        """Hold reservations at the first of these relays that grant one; none, and none is held."""
        wanted = {endpoint.relay: endpoint for endpoint in relays[:CANDIDATES_MAX]}
        if wanted == self._wanted:
            return
        self._wanted = wanted
        for relay, scope in list(self._tried.items()):
            if relay not in wanted:
                scope.cancel()
        self._again = {relay: due for relay, due in self._again.items() if relay in wanted}
        self._wakes.set()

    def restart(self) -> None:
        """Ask again at once: this machine is on another network, or was suspended."""
        self._again.clear()
        self._wakes.set()

    async def run(self) -> None:
        """Hold what is wanted, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                self._wakes = trio.Event()
                pause = self._choose(nursery)
                with trio.move_on_after(pause):
                    await self._wakes.wait()

    def _choose(self, nursery: trio.Nursery) -> float:
        """Ask relays while too few are held; return seconds until one may be asked again."""
        now, pause = trio.current_time(), AGAIN_S_MAX
        for relay, endpoint in self._wanted.items():
            if len(self._tried) >= RELAYS_MAX:
                break
            due, _ = self._again.get(relay, (now, 0))
            if relay in self._tried:
                continue
            if due > now:
                pause = min(pause, due - now)
                continue
            self._tried[relay] = trio.CancelScope()
            nursery.start_soon(self._hold, relay, endpoint, self._tried[relay])
        return pause

    async def _hold(self, relay: str, endpoint: Endpoint, scope: trio.CancelScope) -> None:
        reason = "the link ended"
        try:
            with scope:
                async with self._links.reservation(endpoint) as reserved:
                    self._again.pop(relay, None)
                    await self._renewing(relay, endpoint, reserved)
        except Exception as error:  # the wall around libp2p
            reason = why(error)
        finally:
            del self._tried[relay]
            self._tell(relay, ())
            self._wakes.set()
        if relay in self._wanted:
            _, pause = self._again.get(relay, (0.0, AGAIN_S / 2))
            pause = min(AGAIN_S_MAX, 2 * pause)
            self._again[relay] = trio.current_time() + pause, pause
            log.info("no reservation at the relay %s for %d s: %s", relay[-6:], pause, reason)

    async def _renewing(self, relay: str, endpoint: Endpoint, reserved: Reserved) -> None:
        while not reserved.mux.is_closed:
            self._tell(relay, self._shown(endpoint, reserved))
            left_s = max(RESERVED_S_MIN, reserved.expires_s - self._now_s())
            left_s = min(left_s, RESERVATION_S)  # what a wrong clock of either end makes of it
            with trio.move_on_after(left_s / 2):
                await reserved.mux.ended.wait()
                return
            await reserved.renew()

    def _shown(self, endpoint: Endpoint, reserved: Reserved) -> tuple[str, ...]:
        """Return by which addresses others come; a stranger's word is not among them."""
        end = str(endpoint).partition("/p2p/")
        ways = [end[0], *(reserved.addresses if self._trusted(endpoint.relay) else ())]
        shown = [f"{way}{end[1]}{end[2]}" for way in dict.fromkeys(ways)]
        return tuple(address for address in shown if is_address(address))

    def _tell(self, relay: str, addresses: tuple[str, ...]) -> None:
        before = self.addresses
        self._held.pop(relay, None)
        if addresses:
            self._held[relay] = addresses
        if self.addresses != before:
            self._changed(self.addresses)
