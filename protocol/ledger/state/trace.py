"""Traces: what the records of a fold read and wrote in the state, and at which clock the last time.

It says when the order of two records does not matter: when neither wrote what the other one read or
wrote. Keys are noted by their subject, which is coarser than a key and never finer: the id that
follows the prefix of the table, or the whole key where none follows. What a record notes under its
own id is left out, since others can only come there by naming it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from commonweal.protocol.ledger.state.state import Reader, State
from commonweal.protocol.ledger.state.tables import Table

ID_BYTES = 32

_LONG = frozenset(table.prefix for table in Table if len(table.prefix) > 1)


def subject_of(key: bytes) -> bytes:
    """Return the subject of a key: the id after its table, or all of it where it is shorter."""
    start = 2 if key[:2] in _LONG else 1
    return key[start : start + ID_BYTES] if len(key) >= start + ID_BYTES else key


def table_subject(key: bytes) -> bytes:
    """Return the subject that stands for all keys that begin as `key` does."""
    return b"*" + key[:1]


class Touched(NamedTuple):
    """The subjects that one record read and wrote.

    tables: of what it wrote, as scans of a table note them. is_scan: whether it read a whole table.
    """

    read: frozenset[bytes]
    written: frozenset[bytes]
    tables: frozenset[bytes]
    is_scan: bool


class TracedState(State):
    """A state that notes the keys that are read and written, also what is rolled back."""

    __slots__ = ("reads", "scans", "writes")

    def __init__(self, base: Reader | None = None) -> None:
        super().__init__(base)
        self.reads: set[bytes] = set()
        self.writes: set[bytes] = set()
        self.scans: set[bytes] = set()

    def get(self, key: bytes) -> Any:
        """Return the value of `key`; None when it has none."""
        self.reads.add(key)
        return super().get(key)

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs whose key starts with `prefix`, ascending by key."""
        if subject_of(prefix) == prefix:
            self.scans.add(table_subject(prefix))
        else:
            self.reads.add(prefix)
        return super().items(prefix)

    def _write(self, key: bytes, value: Any) -> None:
        self.writes.add(key)
        super()._write(key, value)


class Trace:
    """The last clock at which a fold read and wrote each subject, and what late records touched."""

    def __init__(self, late_clock: int) -> None:
        """late_clock: up to it, what each record touched is kept by itself."""
        self.read: dict[bytes, int] = {}
        self.written: dict[bytes, int] = {}
        self.late: dict[bytes, Touched] = {}
        self._late_clock = late_clock

    def note(self, state: TracedState, id: bytes, clock: int, *, is_refused: bool) -> None:
        """Note what `state` saw of one record since the last one, and forget it there.

        is_refused: what it wrote was rolled back; what it read decided that.
        """
        read = {subject_of(key) for key in state.reads}
        written = set() if is_refused else {subject_of(key) for key in state.writes}
        if clock <= self._late_clock:
            tables = frozenset() if is_refused else frozenset(map(table_subject, state.writes))
            touched = Touched(frozenset(read), frozenset(written), tables, bool(state.scans))
            self.late[id] = touched
        read |= state.scans
        for seen, subjects in ((self.read, read), (self.written, written)):
            for subject in subjects:
                if subject != id and seen.get(subject, 0) < clock:
                    seen[subject] = clock
        state.reads.clear()
        state.writes.clear()
        state.scans.clear()
