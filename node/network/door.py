"""Who may come in before anything is known of him: few at once, and few per second.

When all places are taken, the stranger who has been in longest gives way, once he has had
time to say hello: so holding every place open does not keep the members out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import trio

STRANGERS_MAX: Final = 16
STRANGER_TURN_S: Final = 0.5
"""How long a stranger keeps his place against a newcomer."""
STRANGERS_PER_S: Final = 50
STRANGERS_BURST: Final = 50


@dataclass(eq=False, slots=True)
class Visit:
    """One inbound connection that is not admitted yet. close: ends it now."""

    since: float
    close: Callable[[], None]


class Door:
    """The inbound connections that are not admitted yet, at most STRANGERS_MAX."""

    def __init__(self) -> None:
        self.refused = 0
        self._inside: dict[Visit, None] = {}
        self._tokens = float(STRANGERS_BURST)
        self._at = trio.current_time()

    def __len__(self) -> int:
        return len(self._inside)

    async def turn(self) -> None:
        """Wait until another one may come: STRANGERS_PER_S, after a burst."""
        now = trio.current_time()
        self._tokens = min(STRANGERS_BURST, self._tokens + (now - self._at) * STRANGERS_PER_S)
        self._at = now
        if self._tokens < 1:
            await trio.sleep((1 - self._tokens) / STRANGERS_PER_S)
        self._tokens -= 1

    def enter(self, close: Callable[[], None]) -> Visit | None:
        """A place for a newcomer, or None when every place is taken by one just come."""
        now = trio.current_time()
        if len(self._inside) >= STRANGERS_MAX:
            oldest = next(iter(self._inside))
            self.refused += 1
            if now - oldest.since < STRANGER_TURN_S:
                return None
            self.leave(oldest)
            oldest.close()
        visit = Visit(now, close)
        self._inside[visit] = None
        return visit

    def leave(self, visit: Visit) -> None:
        """The place is free again: admitted, or gone. Idempotent."""
        self._inside.pop(visit, None)
