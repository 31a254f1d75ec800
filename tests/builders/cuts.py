"""Cuts compared and rooted from nothing: what the tests need and the product never does."""

from __future__ import annotations

from collections.abc import Iterable

from commonweal.protocol import merkle
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.cut import Cut, Delta, cut_root, tree_changes


def delta_between(last: Cut, now: Cut, present: Iterable[DeviceKey]) -> Delta:
    """Return the delta from `last` to `now`, which extends it."""
    logs = (now[author] for author in sorted(now) if now[author] != last.get(author))
    return Delta(tuple(logs), tuple(sorted(dict.fromkeys(present))))


def whole_cut_root(cut: Cut, present: tuple[DeviceKey, ...]) -> bytes:
    """Return the root of a cut, computed over all its logs."""
    return cut_root(merkle.update({}, tree_changes(cut.values())).root, present)
