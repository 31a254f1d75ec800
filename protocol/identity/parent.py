"""The parent of a re-founded community, as its founding record names it.

Whether the inherited state is right is checked in `ledger.checkpoint`.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.records.record import FOUND, CommunityId, Record

INHERIT = "community.inherit"
"""Kind of the records after a founding one: each has a chunk of the parent's state as body."""

DEPTH_MAX = 14
"""At most 16,384 chunks."""


class Parent(NamedTuple):
    """The state from which a community continues: that at a seal of another community.

    time_ms: time of that seal, ms since 1970. depth: the state has 2**depth chunks.
    """

    community: CommunityId
    height: int
    seal: bytes
    state_root: bytes
    time_ms: int
    depth: int

    @property
    def chunks(self) -> int:
        """Number of records after the founding one that carry the state."""
        return 1 << self.depth

    def to_value(self) -> list[codec.Value]:
        """Return the value for the founding record's `data`."""
        return [*self]


def parent_of(founding: Record) -> Parent | None:
    """Return the parent that a founding record names; None when it names none.

    Raises `InvalidRecord` for a parent of another form.
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
