"""What one peer may use up of us: so much at once, and so much more each second."""

from __future__ import annotations

import trio


class Budget:
    """`burst` to begin with and at most; `per_s` comes back each second."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._left, self._at = burst, trio.current_time()

    def spend(self, cost: float) -> bool:
        """Take `cost` off; False, and nothing is taken, when less is left."""
        now = trio.current_time()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if cost > self._left:
            return False
        self._left -= cost
        return True
