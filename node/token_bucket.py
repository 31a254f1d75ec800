"""What one peer or member may use up of us: so much at once, and so much more each second."""

from __future__ import annotations

from collections.abc import Callable

import trio


class TokenBucket:
    """`burst` to begin with and at most; `per_s` comes back each second.

    now_s: any clock that does not go back; trio's where none is given.
    """

    def __init__(
        self, per_s: float, burst: float, now_s: Callable[[], float] = trio.current_time
    ) -> None:
        self._per_s, self._burst, self._now_s = per_s, burst, now_s
        self._left, self._at = burst, now_s()

    def spend(self, cost: float) -> bool:
        """Take `cost` off; False, and nothing is taken, when less is left."""
        if not self.has(cost):
            return False
        self._left -= cost
        return True

    def has(self, cost: float) -> bool:
        """Say whether so much is left."""
        now = self._now_s()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        return cost <= self._left
