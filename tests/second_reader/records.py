"""Records and inceptions: protocol.md sections 3 and 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.second_reader.values import hash32, is_signed, unpack


@dataclass(frozen=True)
class Record:
    """A record: its header, by the names of protocol.md."""

    id: bytes
    community: bytes
    author: bytes
    seq: int
    prev: bytes
    clock: int
    basis: bytes
    deps: list[bytes]
    claimed_at: int
    kind: str
    data: dict[str, Any]
    body: list[Any] | None
    size: int

    @classmethod
    def read(cls, wire: bytes) -> Record:
        """Return the record, its signature checked."""
        context, community, *header = unpack(wire[:-64])
        assert context == "commonweal/1"
        assert is_signed(header[0], wire[:-64], wire[-64:])
        id = hash32("record", wire)
        return cls(*(id, community or id, *header, len(wire)))

    def cites(self, id: bytes) -> bool:
        """Say whether an id stands in deps or is prev."""
        return id in self.deps or id == self.prev

    @property
    def is_permanent(self) -> bool:
        """Whether it has a permanent body."""
        return self.body is not None and self.body[2] == 1


@dataclass(frozen=True)
class Inception:
    """A document of keys."""

    member: bytes
    keys: list[bytes]
    threshold: int

    @classmethod
    def read(cls, data: Any) -> Inception | None:
        """Return the document, or None when it is none."""
        if type(data) is not bytes or len(data) > 1024:
            return None
        form, keys, threshold, _nonce = unpack(data)
        sound = form == "commonweal/1/inception" and keys == sorted(set(keys))
        if not sound or not 1 <= threshold <= len(keys) <= 16:
            return None
        return cls(hash32("inception", data), keys, threshold)
