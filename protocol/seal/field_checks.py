"""What fields of seals, votes and cuts must be, whoever sent them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def is_count(value: object) -> bool:
    """Whether `value` is an int >= 0, and no bool."""
    return type(value) is int and value >= 0


def is_ascending(items: Sequence[bytes]) -> bool:
    """Whether `items` are sorted without duplicates."""
    return all(lower < higher for lower, higher in pairwise(items))
