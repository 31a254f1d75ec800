"""Swaps of things of one sort, of which each member has one: top trading cycles.

Everybody points at who has the thing that they like best among those still here; a circle of
pointers swaps and goes; who likes none better keeps their own. With strict wishes the outcome is
unique, nobody is worse off, no group could do better among themselves, and nobody gains by naming
other wishes (Shapley & Scarf, "On cores and indivisibility", 1974, with Gale's algorithm; Roth &
Postlewaite 1977; Roth 1982). No tie and no seal are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

SWAPPERS_MAX = 512
"""Things of one sort that are swapped at once; of more, those of the smallest ids."""

WISHES_MAX = 16
"""Things that one would rather have, the best first."""

Cycle: TypeAlias = tuple[bytes, ...]
"""Things: who had the first gets the second, and so on; who had the last gets the first."""


def top_trading_cycles(wishes: Mapping[bytes, Sequence[bytes]]) -> list[Cycle]:
    """Return the swaps of two or more; each begins at its smallest id, in the order of these.

    wishes: by item, the items that its owner would rather have, the best first; those beyond
    `WISHES_MAX`, or that nobody swaps, are not read. Work: O(items * (items + wishes)).
    """
    here = dict.fromkeys(sorted(wishes)[:SWAPPERS_MAX])
    ranked = {item: [*dict.fromkeys(wishes[item][:WISHES_MAX]), item] for item in here}
    cycles: list[Cycle] = []
    while here:
        cycle = _cycle(here, ranked)
        for item in cycle:
            del here[item]
        if len(cycle) > 1:
            first = cycle.index(min(cycle))
            cycles.append((*cycle[first:], *cycle[:first]))
    return sorted(cycles)


def _cycle(here: dict[bytes, None], ranked: Mapping[bytes, Sequence[bytes]]) -> list[bytes]:
    """Follow the pointers from the first item until they close."""
    seen: dict[bytes, int] = {}
    path: list[bytes] = []
    item = next(iter(here))
    while item not in seen:
        seen[item] = len(path)
        path.append(item)
        item = next(wish for wish in ranked[item] if wish in here)
    return path[seen[item] :]
