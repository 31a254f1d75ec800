"""The parent of a re-founded community, as its founding record names it."""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.records.record import FOUND, CommunityId, Record

INHERIT = "community.inherit"
"""The records after a founding one that carry the parent's state, one chunk each, as bodies."""

DEPTH_MAX = 14
"""At most 16,384 chunks."""


class Parent(NamedTuple):
    """From where a community goes on: the state at a seal of another.

    time_ms: of that seal. depth: of the chunks of its state.
    """

    community: CommunityId
    height: int
    seal: bytes
    state_root: bytes
    time_ms: int
    depth: int

    @property
    def chunks(self) -> int:
        """How many records after the founding one carry the state."""
        return 1 << self.depth

    def to_value(self) -> list[codec.Value]:
        """Return what stands in the founding record."""
        return [*self]


def parent_of(founding: Record) -> Parent | None:
    """Return the parent that a founding record names; None when it names none.

    Raises `InvalidRecord` when what it names has not the form of one.
    """
    match founding.data.get("parent"):
        case None:
            return None
        case [bytes(community), height, bytes(seal), bytes(root), time_ms, depth] if (
            founding.kind == FOUND
            and len(community) == len(seal) == len(root) == HASH_BYTES
            and all(type(number) is int for number in (height, time_ms, depth))
            and height > 0
            and time_ms >= 0
            and 0 <= depth <= DEPTH_MAX
        ):
            return Parent(CommunityId(community), height, seal, root, time_ms, depth)
        case _:
            raise InvalidRecord(f"{founding} names a parent in no known form")
