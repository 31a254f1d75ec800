"""The clock of a node: wall time that never goes back."""

from __future__ import annotations

import time


class Clock:
    """Wall time that never goes back: ms since 1970."""

    def __init__(self) -> None:
        self._now_ns, self._steady_ns = time.time_ns(), time.monotonic_ns()

    def now_ms(self) -> int:
        """Return the wall time; while the wall is behind what we said, the steady clock's."""
        steady_ns = time.monotonic_ns()
        self._now_ns = max(time.time_ns(), self._now_ns + steady_ns - self._steady_ns)
        self._steady_ns = steady_ns
        return self._now_ns // 1_000_000
