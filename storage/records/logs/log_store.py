"""The logs that this node holds, and everything else in its ledger file.

A log's row says how far it is good: up to the seq that a fork proof names, or as far as it is
held. Everything is served from the good part; records above it stay and are found by id,
because others cite them. Records were verified by `protocol.records.log` before; nothing here
checks a signature. Nothing is durable before `commit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.errors import ForkedLog, InvalidRecord, MissingBody
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import NO_ID, Record, RecordId, community_of, is_body
from commonweal.storage.records.address_book import AddressBook
from commonweal.storage.records.blobs import BlobStore
from commonweal.storage.records.logs.log_bases import LogBases
from commonweal.storage.records.logs.log_pages import opening_of
from commonweal.storage.records.logs.run_pages import BULK_KINDS, SEQ_BITS, SEQ_MAX
from commonweal.storage.records.once_store import OnceStore
from commonweal.storage.records.settings import SettingStore

if TYPE_CHECKING:  # loaded when something is appended
    from commonweal.protocol.records.log import Tip

_LOG_ROW = "author, length, head, clock, frozen, checked, bytes, documents, texts, base"

_GROWN = (
    "UPDATE log SET length = ?, held = ?, head = ?, clock = ?, bytes = bytes + ?,"
    " documents = documents + ?, texts = texts + ? WHERE id = ?"
)

_KIND, _WIRE, _BODY = map(attrgetter, ("kind", "wire", "body"))


class LogRow(NamedTuple):
    """What is held of one log. length, head and clock are those of its good part.

    frozen: the seq that a proof names, else None.
    checked: every signature below this seq was verified on its own.
    bytes: of all its held records, void ones included.
    documents, texts: bytes of the permanent and of the erasable bodies that they name.
    base: from this seq on all good records are held; below it a light home has governance records.
    """

    author: DeviceKey
    length: int
    head: RecordId
    clock: int
    frozen: int | None
    checked: int
    bytes: int
    documents: int = 0
    texts: int = 0
    base: int = 0

    @property
    def size(self) -> int:
        """Bytes that this node stores for the log, bodies included."""
        return self.bytes + self.documents + self.texts

    @property
    def tip(self) -> Tip:
        """The place of the next good record."""
        from commonweal.protocol.records.log import Tip

        return Tip(self.length, self.head, self.clock)


class Counts(NamedTuple):
    """Number of good records, logs, bytes of all records, and bodies."""

    records: int
    logs: int
    bytes: int
    bodies: int


class _ReadLogs(NamedTuple):
    """Rows of all logs: at which version of the file, and the greatest `written` among them."""

    version: tuple[int, int]
    written: int
    by_author: dict[DeviceKey, LogRow]
    rows: tuple[LogRow, ...]


_NOTHING_READ = _ReadLogs((-1, -1), -1, {}, ())


class Store(LogBases, BlobStore, SettingStore, AddressBook, OnceStore):
    """Everything a node stores. See `Database` for opening, commit and errors."""

    _logs: _ReadLogs

    def forget(self) -> None:
        """Drop also the rows of logs, which may be of records that are rolled back."""
        super().forget()
        self._logs = _NOTHING_READ

    def logs(self) -> tuple[LogRow, ...]:
        """Return the row of every known log, by author; only those written since are read again."""
        version, known = self.version(), self._logs
        if known.version != version:
            asked = f"SELECT written, {_LOG_ROW} FROM log WHERE written > ?"  # noqa: S608  names of ours
            read = self.rows(asked, (known.written,))
            by_author = known.by_author | {row[1]: LogRow._make(row[1:]) for row in read}
            if len(by_author) > len(known.by_author):
                by_author = dict(sorted(by_author.items()))
            written = max((row[0] for row in read), default=known.written)
            self._logs = known = _ReadLogs(version, written, by_author, tuple(by_author.values()))
        return known.rows

    def log(self, author: DeviceKey) -> LogRow:
        """Return the row of one log; an empty row for an unknown one."""
        statement = f"SELECT {_LOG_ROW} FROM log WHERE author = ?"  # noqa: S608  names of ours
        row = self.row(statement, (author,))
        return LogRow._make(row) if row else LogRow(author, 0, NO_ID, 0, None, 0, 0)

    def append(
        self, author: DeviceKey, run: Sequence[Record], bodies: Mapping[bytes, bytes] | None = None
    ) -> None:
        """Append a verified run to a log, and store the bodies given for it, by hash.

        run: what `log.read_run` returned for the tip of this log. Raises MissingBody when a
        permanent body is neither held nor given, InvalidRecord when a given body has another
        hash, ForkedLog when a proof froze the log before the run's end; then nothing of the run
        is stored.
        """
        if not run:
            return
        log = self.row(
            "SELECT id, opening, length, head, frozen, held FROM log WHERE author = ?", (author,)
        )
        number, opening, length, head, frozen, held = log or (0, b"", 0, NO_ID, None, 0)
        first, last = run[0], run[-1]
        stop = length + len(run)
        assert first.author == author == last.author
        assert first.seq == length and first.prev == head and last.seq + 1 == stop <= SEQ_MAX
        if frozen is not None and stop > frozen:
            raise ForkedLog(f"{last}: a proof ends this log before #{frozen}")
        self._put_bodies(run, bodies or {})
        if not log:
            opening = opening_of(community_of(first), author)
            number = self._new_log(author, opening)
        if held > length:
            self._make_way(number, opening, length, held)
        self._put_records(number, opening, run)
        named = [body for body in map(_BODY, run) if body is not None]
        documents = sum(body.size for body in named if body.permanent)
        texts = sum(body.size for body in named) - documents
        more = (sum(map(len, map(_WIRE, run))), documents, texts)
        self.change(_GROWN, (stop, stop, last.id, last.clock, *more, number))
        self._remember(last.id, last.clock)

    def clear(self) -> None:
        """Delete everything but the settings; the caller commits, or nothing of it happens."""
        asked = (
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " AND name <> 'setting'"
        )
        for (table,) in self.rows(asked):
            self.change(f"DELETE FROM {table}")  # noqa: S608  names of ours
        self.forget()

    def mark_checked(self, author: DeviceKey, seq: int) -> None:
        """Note that every signature of the log below `seq` was verified on its own."""
        self.change("UPDATE log SET checked = max(checked, ?) WHERE author = ?", (seq, author))

    def mend(self, author: DeviceKey, seq: int, wire: bytes) -> None:
        """Replace a held record that the disk corrupted by its right bytes."""
        log = self.row("SELECT id, opening, held FROM log WHERE author = ?", (author,))
        assert log is not None
        number, opening, held = log
        assert seq < held
        base = number << SEQ_BITS
        self._mend(base + seq, opening, wire, base + held)
        self.forget()

    def counts(self) -> Counts:
        """Return how much is held."""
        row = self.row(
            "SELECT total(length), count(*), total(bytes), (SELECT count(*) FROM body)"
            " - (SELECT count(*) FROM body WHERE content IS NULL) FROM log"
        )
        assert row
        return Counts(*(int(number) for number in row))

    # Inside

    def _put_records(self, number: int, opening: bytes, run: Sequence[Record]) -> None:
        """Insert the rows of a run, and its ids."""
        base = (number << SEQ_BITS) + run[0].seq
        self._put_run(number, opening, run)
        self._ids.add(base, run)
        if not BULK_KINDS.issuperset(map(_KIND, run)):
            rare = [(base + n,) for n, record in enumerate(run) if record.kind not in BULK_KINDS]
            self.change_many("INSERT INTO rare VALUES (?)", rare)

    def _put_bodies(self, run: Sequence[Record], bodies: Mapping[bytes, bytes]) -> None:
        """Store the bodies given for `run`; note the missing erasable ones as wanted.

        An author may claim any size for a body that others name with its own size.
        """
        if not any(map(_BODY, run)):
            return
        refs = [(record, record.body) for record in run if record.body is not None]
        for record, ref in refs:
            data = bodies.get(ref.hash)
            if data is not None and not is_body(ref._replace(size=len(data)), data):
                raise InvalidRecord(f"{record}: another body than it names")
            given = data is not None and len(data) == ref.size
            if ref.permanent and not given and not self.holds(ref):
                raise MissingBody(f"{record}: {ref.hash.hex()}")
        for _, ref in refs:
            data = bodies.get(ref.hash)
            if data is not None and len(data) == ref.size:
                self.put_body(ref, data)
            elif ref.permanent:
                self.change(
                    "UPDATE body SET permanent = 1 WHERE hash = ? AND NOT permanent", (ref.hash,)
                )
            else:
                self.change(
                    "INSERT OR IGNORE INTO wanted SELECT ?, ?"
                    " WHERE NOT EXISTS (SELECT 1 FROM body WHERE hash = ?)",
                    (ref.hash, ref.size, ref.hash),
                )
