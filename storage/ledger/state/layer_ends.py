"""The ends of the layers above the cut: how far each log is folded, and from where on it is void.

A revocation that is found late voids records that are folded already; then the layers begin again,
and take its log to be void from the start. What was taken so must be said in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import Record

if TYPE_CHECKING:  # loaded when something is folded, which is seldom
    from commonweal.protocol.ledger.fold.fold import Ledger


REVOKE = "device.revoke"
"""A revocation is folded although its log is void: found before that is known, it stays known."""


class LayerEnd(NamedTuple):
    """The end of a layer, OLDER or NEWEST.

    clock: the highest clock in it. reached: by author, the length of each log in it. ends: by
    author, the seq from which on a log was taken to be void when the layer was folded. said: the
    same, as the records up to here say it; in the end both must agree.
    """

    clock: int
    reached: dict[bytes, int]
    ends: dict[bytes, int]
    said: dict[bytes, int]


class EndsEarlier(Exception):
    """The records being folded void some that a layer below holds."""

    def __init__(self, ends: dict[bytes, int]) -> None:
        super().__init__()
        self.ends = ends


def said_up_to(point: LayerEnd, ledger: Ledger) -> dict[bytes, int]:
    """Return where logs are void, by the records up to `point` and those of `ledger` above it.

    Raises EndsEarlier when that is before `point`, and was not known there.
    """
    said = first_of_both(point.said, ledger.ends)
    for author, end in said.items():
        if end < min(point.reached.get(author, 0), point.ends.get(author, end + 1)):
            raise EndsEarlier({**point.ends, **said})
    return said


def check_ends(point: LayerEnd, said: Mapping[bytes, int]) -> None:
    """Raise EndsEarlier when a log was taken to be void that no record ends there."""
    for author, end in point.ends.items():
        reached = point.reached.get(author, 0)
        if min(said.get(author, reached), reached) != min(end, reached):
            raise EndsEarlier(dict(said))


def first_of_both(ends: Mapping[bytes, int], more: Mapping[DeviceKey, int]) -> dict[bytes, int]:
    """Return where logs end first, by author."""
    first = dict(ends)
    for author, end in more.items():
        first[author] = min(first.get(author, end), end)
    return first


def is_void(record: Record, ends: Mapping[bytes, int]) -> bool:
    """Whether a record stands where its log is void."""
    end = ends.get(record.author)
    return end is not None and record.seq >= end
