"""Bases of logs: from where on a light home has all records of a log, and what it drops below.

The base of a log lies below a place that a seal covers, so the chain of seals says what the log
was there. Below it governance records stay; the others, and their texts, are removed a portion
at a time. A record below a base that was fetched again is kept in `fetched`, within limits; it
was proven to be sealed before. Nothing here decides how far a base may rise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import InvalidRecord, LightHome, Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import BodyRef, Record, RecordId, from_bytes_unchecked
from commonweal.storage.records.logs.fork_store import ForkStore
from commonweal.storage.records.logs.log_pages import LOG_BYTES_MAX
from commonweal.storage.records.logs.run_pages import LOST, SEQ_BITS
from commonweal.storage.sqlite.database import Row

FETCHED_MAX = 1_000
"""Records below bases that stay here after somebody looked at them; then the oldest goes."""

FOLLOWING_BYTES_MAX = 256 * 1024
"""Of the records after a fetched one so much is kept, so that it can be proven to others."""

NAMED_BYTES = 128
"""A record names the previous one within this many bytes from its beginning."""


class FetchedRecord(NamedTuple):
    """A record below a base, and those after it up to the end of its log in a cut, if kept."""

    wire: bytes
    following: tuple[bytes, ...] | None


class LogBases(ForkStore):
    """The columns `base` and `dropped` of `log`, and the table `fetched`."""

    def raise_base(self, author: DeviceKey, base: int) -> bool:
        """Let a log begin at `base`, which is below its last record; return whether that is new.

        A base never falls. The signatures below it were checked by those who sealed them.
        """
        return bool(
            self.change(
                "UPDATE log SET base = ?, checked = max(checked, ?)"
                " WHERE author = ? AND base < ? AND length > ?",
                (base, base, author, base, base),
            )
        )

    def has_bases(self) -> bool:
        """Say whether records are missing here below the base of some log."""
        return bool(self.row("SELECT 1 FROM log WHERE base > 0 LIMIT 1"))

    def check_whole(self) -> None:
        """Raise LightHome where records are missing below the base of some log."""
        if self.has_bases():
            raise LightHome

    def to_drop(self) -> DeviceKey | None:
        """Return a log of which records are to be removed; None when that is done."""
        row = self.row("SELECT author FROM log WHERE dropped < base ORDER BY id LIMIT 1")
        return row[0] if row else None

    def drop_some(self, records_max: int) -> list[DeviceKey]:
        """Remove records below bases, after looking at so many; return the authors of their logs.

        Governance records stay, and so do permanent bodies and those that a kept record names.
        """
        authors: list[DeviceKey] = []
        texts: list[BodyRef] = []
        while records_max > 0 and (author := self.to_drop()) is not None:
            looked, named = self._drop_records(author, records_max)
            authors.append(author)
            texts += named
            records_max -= looked
        self._drop_texts(texts)
        return authors

    def drop(self, author: DeviceKey, records_max: int) -> int:
        """Remove records below the base of one log, as `drop_some` does; return the number."""
        looked, texts = self._drop_records(author, records_max)
        self._drop_texts(texts)
        return looked

    def _drop_records(self, author: DeviceKey, records_max: int) -> tuple[int, list[BodyRef]]:
        """Remove records of a log; return how many were looked at, and the texts they name."""
        number, opening, base, dropped = self._log_of(author)
        stop = min(base, dropped + records_max)
        wires = self._range(number, opening, dropped, stop, LOG_BYTES_MAX)
        first = number << SEQ_BITS
        rare = {
            key - first
            for (key,) in self.rows(
                "SELECT key FROM rare WHERE key >= ? AND key < ?", (first + dropped, first + stop)
            )
        }
        held = enumerate(wires, dropped)
        gone = [(at, wire) for at, wire in held if at not in rare and wire != LOST]
        ids = keys.hash_each(keys.RECORD, [wire for _, wire in gone])
        self._ids.drop_each([(id, first + at) for id, (at, _) in zip(ids, gone, strict=True)])
        for at in self._unnamed(number, opening, range(dropped, stop), wires):
            self._ids.drop(first + at, first + at + 1)  # the disk changed it, and so its hash
        self._drop_packed(opening, first + dropped, first + stop)
        self.change_many("DELETE FROM record WHERE key = ?", [(first + at,) for at, _ in gone])
        texts = _texts_of([wire for _, wire in gone])
        size = sum(len(wire) for _, wire in gone)
        self.change(
            "UPDATE log SET dropped = ?, bytes = bytes - ?, texts = texts - ? WHERE id = ?",
            (stop, size, sum(text.size for text in texts), number),
        )
        self._clocks.clear()
        return stop - dropped, texts

    def keep_undropped(self) -> None:
        """Let bases fall to where records were really removed."""
        self.change("UPDATE log SET base = dropped WHERE base > dropped AND length > dropped")

    def settle_forks(self) -> None:
        """Let the base of each log that a proof ended below it fall to the end of the log.

        Void records that are here stay, beside the log. Only for a home that drops nothing more.
        """
        for number, opening, length, held in self.rows(
            "SELECT id, opening, length, held FROM log WHERE length < base"
        ):
            self._make_way(number, opening, length, held)
            self.change("UPDATE log SET base = length, dropped = length WHERE id = ?", (number,))

    def refill(
        self, author: DeviceKey, run: Sequence[Record], bodies: Mapping[bytes, bytes]
    ) -> None:
        """Put back records that end just below the base of a log, which falls to the first.

        They are linked to the record at the base, or are the end of the log that the row names.
        Raises MissingBody, InvalidRecord.
        """
        number, opening, base, dropped = self._log_of(author)
        assert run[-1].seq + 1 == base == dropped, "nothing is missing between"
        self._put_bodies(run, bodies)
        first = number << SEQ_BITS
        rare = {
            key - first
            for (key,) in self.rows(
                "SELECT key FROM rare WHERE key >= ? AND key < ?",
                (first + run[0].seq, first + base),
            )
        }
        back = [record for record in run if record.seq not in rare]
        self.insert_pairs(
            "record",
            [(first + record.seq, record.wire.removeprefix(opening)) for record in back],
        )
        for record in back:
            self._ids.add(first + record.seq, [record])
        texts = (record.body for record in back)
        self.change(
            "UPDATE log SET base = ?1, dropped = ?1, bytes = bytes + ?2, texts = texts + ?3,"
            " clock = iif(base = length, ?5, clock) WHERE id = ?4",
            (
                run[0].seq,
                sum(len(record.wire) for record in back),
                sum(text.size for text in texts if text is not None and not text.permanent),
                number,
                run[-1].clock,
            ),
        )

    def _put_bodies(self, run: Sequence[Record], bodies: Mapping[bytes, bytes]) -> None:
        raise NotImplementedError

    def put_fetched(self, wire: bytes, following: Sequence[bytes] | None) -> None:
        """Keep a record that was proven to be sealed; the oldest makes room.

        following: the records after it up to the end of its log in a cut; None: too many.
        """
        data = None if following is None else codec.encode(list(following))
        self.change(
            "INSERT OR REPLACE INTO fetched SELECT ?, coalesce(max(number), 0) + 1, ?, ?"
            " FROM fetched",
            (
                keys.hash32(keys.RECORD, wire),
                wire,
                data,
            ),
        )
        self.change(
            "DELETE FROM fetched WHERE number <= (SELECT max(number) - ? FROM fetched)",
            (FETCHED_MAX,),
        )

    def fetched(self, record_id: RecordId) -> FetchedRecord | None:
        """Return a record that was fetched again; None when none of this id was."""
        row = self.row("SELECT wire, following FROM fetched WHERE id = ?", (record_id,))
        return None if row is None else FetchedRecord(row[0], _following(row))

    # Inside

    def _log_of(self, author: DeviceKey) -> tuple[int, bytes, int, int]:
        row = self.row("SELECT id, opening, base, dropped FROM log WHERE author = ?", (author,))
        assert row is not None, "asked of a log that is held"
        return row[0], row[1], row[2], row[3]

    def _unnamed(
        self, number: int, opening: bytes, seqs: range, wires: Sequence[bytes]
    ) -> list[int]:
        """Return which of these records the next one does not name: the disk changed them."""
        following = self._range(number, opening, seqs.stop, seqs.stop + 1, 0)
        later = [*wires[1:], *following]
        return [
            at
            for at, wire, after in zip(seqs, wires, later, strict=False)
            if keys.hash32(keys.RECORD, wire) not in after[:NAMED_BYTES]
        ]

    def _drop_texts(self, texts: Sequence[BodyRef]) -> None:
        """Remove erasable bodies that dropped records name, but for those that are named still."""
        if not texts:
            return
        from commonweal.storage.records.logs import blob_references  # not loaded by a list

        hashes = dict.fromkeys(text.hash for text in texts)
        named = blob_references.named_where_kept(self, hashes)
        gone = [(digest,) for digest in hashes if digest not in named]
        for table in ("body", "wanted"):
            kept = " AND NOT permanent AND content NOTNULL" if table == "body" else ""
            self.change_many(
                f"DELETE FROM {table} WHERE hash = ?{kept}",  # noqa: S608  names of ours
                gone,
            )


def _texts_of(wires: Sequence[bytes]) -> list[BodyRef]:
    """Return the erasable bodies that records name."""
    texts: list[BodyRef] = []
    for wire in wires:
        with suppress(Malformed, InvalidRecord):  # the disk changed it
            body = from_bytes_unchecked(wire).body
            if body is not None and not body.permanent:
                texts.append(body)
    return texts


def _following(row: Row) -> tuple[bytes, ...] | None:
    if row[1] is None:
        return None
    match codec.decode(row[1]):
        case list(wires):
            return tuple(wire for wire in wires if isinstance(wire, bytes))
        case _:
            raise AssertionError("a stored list is one")
