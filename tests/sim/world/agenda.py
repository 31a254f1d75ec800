"""Virtual time: what happens when, in an order that follows from nothing but the seed."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Any

START_MS = 1_700_000_000_000
STEPS_MAX = 20_000_000


class Agenda:
    """A heap of things to do, each at its time; those of one time in the order of asking."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.steps = 0
        self._due: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._trace = blake2b(digest_size=16)

    def at(self, at_ms: int, what: Callable[..., None], *about: Any) -> None:
        """Do `what` at `at_ms`, or now when that is past."""
        self.steps += 1
        heappush(self._due, (max(at_ms, self.now_ms), self.steps, what, about))

    def after(self, delay_ms: int, what: Callable[..., None], *about: Any) -> None:
        """Do `what` in `delay_ms`."""
        self.at(self.now_ms + delay_ms, what, *about)

    def run(self, until_ms: int) -> None:
        """Let time pass."""
        due = self._due
        while due and due[0][0] <= until_ms:
            self.now_ms, _, what, about = heappop(due)
            what(*about)
            assert self.steps < STEPS_MAX, "the community never comes to rest"
        self.now_ms = until_ms

    def note(self, *facts: object) -> None:
        """Add to the trace."""
        self._trace.update(repr((self.now_ms, facts)).encode())

    def trace(self) -> str:
        """Return a digest of everything noted so far; equal runs have equal traces."""
        return self._trace.hexdigest()
