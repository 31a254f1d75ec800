"""Which rows of a sheet are in the ledger already, and how many of each.

A row is known again by the hash of what its record says for ever; the note, which can be
erased, is not in that hash, so nobody can guess an erased note by it. Of rows with one
hash as many are new as there are more of them than records, compared by their notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from commonweal.client.importers.known_events import ROW_BYTES, ROW_KEY, events_naming
from commonweal.client.ledger.words.texts import text_in
from commonweal.storage.records.log_store import Store
from commonweal.storage.sqlite.counts import TemporaryCounts

_ERASED, _WITH_NOTE = b"\0", b"\1"


class KnownRows:
    """The rows that are here, whoever took them in."""

    def __init__(self, store: Store, counts: TemporaryCounts) -> None:
        self._counts = counts
        for record in events_naming(store, ROW_KEY, ROW_BYTES):
            note = "" if record.body is None else text_in(store, record.body)
            counts.add(_key(record.data[ROW_KEY], note))
        counts.keep()

    def has(self, digest: bytes, note: str) -> bool:
        """Whether a row is here that no earlier row of the sheet stood for."""
        return self._counts.take(_key(digest, note)) or self._counts.take(_key(digest, None))

    def restart(self) -> None:
        """Begin again at the first row of the sheet."""
        self._counts.restore()


@contextmanager
def known_rows(store: Store) -> Iterator[KnownRows]:
    """Give the rows that are here."""
    counts = TemporaryCounts()
    try:
        yield KnownRows(store, counts)
    finally:
        counts.close()


def _key(digest: bytes, note: str | None) -> bytes:
    """Return what stands for a row. note: None where it was erased."""
    return digest + (_ERASED if note is None else _WITH_NOTE + note.encode())
