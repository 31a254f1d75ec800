"""The interface watch: notices that this machine is on another network, or was suspended.

It reads the addresses of the interfaces again and again, since no notice of the system exists on
all platforms. What follows from a change is decided by who is told.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import trio

from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.reach.own_addresses import OwnAddresses

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0
"""Time between two looks at the interfaces."""
SUSPENDED_S: Final = 15.0
"""A look that comes this much too late shows that the machine, or the process, was suspended."""


class InterfaceWatch:
    """Keeps `own` at the addresses that the interfaces have now.

    read: returns where the listeners can be reached at this moment; may raise OSError. changed:
    called after the interfaces have other addresses, or the machine was suspended, when its router
    may be another.
    """

    def __init__(
        self,
        own: OwnAddresses,
        read: Callable[[], Sequence[Endpoint]],
        changed: Callable[[], None],
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._own, self._read = own, read
        self._changed, self._wall_s = changed, wall_s

    async def run(self) -> None:
        """Look every LOOK_S until cancelled."""
        before = self._own.interfaces
        looked_s, wall_s = trio.current_time(), self._wall_s()
        while True:
            await trio.sleep(LOOK_S)
            late_s = max(trio.current_time() - looked_s, self._wall_s() - wall_s) - LOOK_S
            looked_s, wall_s = trio.current_time(), self._wall_s()
            now = self._look(before)
            if now == before and late_s < SUSPENDED_S:
                continue
            if set(before) - set(now) or late_s >= SUSPENDED_S:
                self._own.move()
            self._own.listen(now)
            before = now
            self._changed()

    def _look(self, before: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        """Return where the interfaces are now; `before` while the system cannot say."""
        try:
            return tuple(self._read())
        except OSError as error:  # it has no file descriptor left for a moment
            log.warning("the addresses of this machine cannot be read now: %s", error)
            return before
