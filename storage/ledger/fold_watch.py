"""What is told how far a fold is; apart from the fold, which is seldom loaded."""

from __future__ import annotations

from collections.abc import Callable

Watch = Callable[[int, int], None]
"""Called with the number of folded records and the number of all, for a progress bar."""


def nobody(_done: int, _of: int) -> None:
    """Ignore progress."""
