"""The state: keys (bytes) and values, with rollback.

A state lies over an optional base, which it reads and never changes; what was written since is an
overlay. Every write is journalled, so that a late record only costs a new fold of the records after
it. The first byte of a key is its table. Values are canonical and are never changed in place: write
a new value.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from commonweal.protocol import codec

LOCAL: Final = b"\0"
"""The first byte of local keys: they follow from the others, and are in no root and no snapshot.

They are indexes that every node makes for itself, so that the fold need not search.
"""

DEPTH_MAX = 2 + codec.DEPTH_MAX
"""Nesting of the encoding of all changes: a list of pairs of what a record may hold."""


class Reader(Protocol):
    """What a state can lie over: final state on disk, or another state."""

    def get(self, key: bytes) -> Any:
        """Return the value of `key`; None when it has none."""

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs whose key starts with `prefix`, ascending by key."""


class _Gone:
    """Marks a key in the overlay that the base has and this state has not."""

    __slots__ = ()


_GONE: Final = _Gone()
_ABSENT: Final = _Gone()


class State:
    """The pairs of `base`, as changed by what was written since."""

    __slots__ = ("_base", "_behind", "_journal", "_sorted", "_tables")

    def __init__(self, base: Reader | None = None) -> None:
        self._base = base
        self._tables: dict[int, dict[bytes, Any]] = {}
        self._journal: list[tuple[bytes, Any]] = []
        self._sorted: dict[int, list[bytes]] = {}
        self._behind: set[int] = set()
        """Tables whose new keys stand behind the sorted ones."""

    def above(self) -> State:
        """Return a state over this one, to which nothing may be written meanwhile."""
        return State(self if self._tables else self._base)

    def get(self, key: bytes) -> Any:
        """Return the value of `key`; None when it has none. Callers must not change it in place."""
        table = self._tables.get(key[0])
        if table is not None:
            value = table.get(key, _ABSENT)
            if value is not _ABSENT:
                return None if value is _GONE else value
        return None if self._base is None else self._base.get(key)

    def put(self, key: bytes, value: Any) -> None:
        """Set the value of `key`. value: not None."""
        assert value is not None, "None is what an absent key has"
        self._write(key, value)

    def delete(self, key: bytes) -> None:
        """Remove `key`."""
        self._write(key, _GONE)

    def put_permanent(self, key: bytes, value: Any) -> None:
        """Set the value of `key` for good: no rollback takes it back.

        For facts that have no place in the order of records. Never use `put` or `delete` on the
        key.
        """
        table = self._tables.setdefault(key[0], {})
        if key not in table:
            self._sorted.pop(key[0], None)
        table[key] = value

    def mark(self) -> int:
        """Return the current position in the journal, for `rollback`."""
        return len(self._journal)

    def rollback(self, mark: int) -> None:
        """Undo every write since `mark` was taken."""
        journal = self._journal
        while len(journal) > mark:
            key, old = journal.pop()
            table = self._tables[key[0]]
            if old is _ABSENT:
                del table[key]
                self._sorted.pop(key[0], None)
            else:
                table[key] = old

    def commit(self) -> None:
        """Clear the journal: no write made until now can be rolled back."""
        self._journal.clear()

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs whose key starts with `prefix`, ascending by key.

        prefix: at least one byte, the table. Do not write to the state meanwhile. For views; the
        fold of a record looks up single keys.
        """
        below = iter(()) if self._base is None else self._base.items(prefix)
        ours = self._ours(prefix)
        low = next(below, None)
        for key, value in ours:
            while low is not None and low[0] < key:
                yield low
                low = next(below, None)
            if low is not None and low[0] == key:
                low = next(below, None)
            if value is not _GONE:
                yield key, value
        if low is not None:
            yield low
            yield from below

    def changes(self) -> Iterator[tuple[bytes, Any]]:
        """Yield each key whose value differs from the base, ascending; value None: deleted.

        Local keys are left out.
        """
        yield from self._changes(number for number in self._tables if number != LOCAL[0])

    def local_changes(self) -> Iterator[tuple[bytes, Any]]:
        """Yield the local keys whose value differs from the base, as `changes` does."""
        yield from self._changes(number for number in self._tables if number == LOCAL[0])

    def _changes(self, numbers: Iterable[int]) -> Iterator[tuple[bytes, Any]]:
        for number in sorted(numbers):
            table = self._tables[number]
            for key in self._keys(number):
                value = table[key]
                now = None if value is _GONE else value
                was = None if self._base is None else self._base.get(key)
                if now != was:
                    yield key, now

    def to_bytes(self) -> bytes:
        """Return the canonical encoding of `changes`; equal states have equal bytes."""
        return codec.encode([[key, value] for key, value in self.changes()], DEPTH_MAX)

    def _write(self, key: bytes, value: Any) -> None:
        number = key[0]
        table = self._tables.get(number)
        if table is None:
            table = self._tables[number] = {}
        old = table.get(key, _ABSENT)
        if old is _ABSENT and number in self._sorted:
            self._sorted[number].append(key)
            self._behind.add(number)
        self._journal.append((key, old))
        table[key] = value

    def _ours(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        table = self._tables.get(prefix[0])
        if not table:
            return
        keys = self._keys(prefix[0])
        for place in range(bisect_left(keys, prefix), len(keys)):
            key = keys[place]
            if not key.startswith(prefix):
                return
            yield key, table[key]

    def _keys(self, number: int) -> list[bytes]:
        """Return the keys that were written to a table, ascending."""
        keys = self._sorted.get(number)
        if keys is None:
            keys = self._sorted[number] = sorted(self._tables[number])
        elif number in self._behind:
            # A new list: who reads the other one has begun. What is sorted in it costs one pass.
            keys = self._sorted[number] = sorted(keys)
        self._behind.discard(number)
        return keys
