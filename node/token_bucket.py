"""Token buckets: bound how much work, bytes or messages a peer or member may cause.

The node's one owner of rate limits. A bucket never waits; the caller decides what happens when
it is empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio


class TokenBucket:
    """Holds at most `burst` tokens, which it starts with, and gains `per_s` tokens each second.

    now_s: any clock that does not go back; trio's when none is given.
    """

    def __init__(
        self, per_s: float, burst: float, now_s: Callable[[], float] = trio.current_time
    ) -> None:
        self._per_s, self._burst, self._now_s = per_s, burst, now_s
        self._left, self._at = burst, -math.inf

    def spend(self, cost: float) -> bool:
        """Take `cost` tokens; False, and none is taken, when fewer are left."""
        if not self.has(cost):
            return False
        self._left -= cost
        return True

    def has(self, cost: float) -> bool:
        """Return whether at least `cost` tokens are left."""
        now = self._now_s()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        return cost <= self._left
