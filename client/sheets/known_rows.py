"""Which rows of a sheet are in the ledger already, and how many of each.

A row is known again by the hash of what its record says for ever; the note, which can be
erased, is not in that hash, so nobody can guess an erased note by it. Of rows with one
hash as many are new as there are more of them than records, compared by their notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.client.ledger.words.texts import text_in
from commonweal.storage.ledger.contributions.row_digests import RowDigests, row_digests
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite.counts import TemporaryCounts

_ERASED, _WITH_NOTE, _LOOKED_UP = b"\0", b"\1", b"\2"


class KnownRows:
    """The rows that are here, whoever took them in; each is looked up when a sheet names it."""

    def __init__(self, store: Store, index: RowDigests, counts: TemporaryCounts) -> None:
        self._store, self._index, self._counts = store, index, counts
        counts.keep()

    def has(self, digest: bytes, note: str) -> bool:
        """Whether a row is here that no earlier row of the sheet stood for."""
        self._look_up(digest)
        return self._counts.take(_key(digest, note)) or self._counts.take(_key(digest, None))

    def restart(self) -> None:
        """Begin again at the first row of the sheet."""
        self._counts.restore()

    def _look_up(self, digest: bytes) -> None:
        """Count the records that stand for rows of this digest, once."""
        if self._counts.has(digest + _LOOKED_UP):
            return
        for number, record in enumerate(self._index.events(digest)):
            if not number:
                self._counts.add(digest + _LOOKED_UP)
            note = "" if record.body is None else text_in(self._store, record.body)
            self._counts.add(_key(digest, note))


@contextmanager
def known_rows(view: LedgerView) -> Iterator[KnownRows]:
    """Give the rows that are here."""
    counts = TemporaryCounts()
    try:
        with row_digests(view.kept.layers, view.store) as index:
            yield KnownRows(view.store, index, counts)
    finally:
        counts.close()


def _key(digest: bytes, note: str | None) -> bytes:
    """Return what stands for a row. note: None where it was erased."""
    return digest + (_ERASED if note is None else _WITH_NOTE + note.encode())
