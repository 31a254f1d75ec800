"""References from records to bodies: requests to erase one, every author who names it, and
whether a light home still needs it.

All are read from the records each time; no table has to be kept in step. Nothing here decides
who may erase.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import SIGNATURE_BYTES, DeviceKey
from commonweal.protocol.ledger.contributions.erasure import ERASE
from commonweal.protocol.records import packed_run
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.storage.records.logs.run_pages import SEQ_BITS, SEQ_MAX, whole
from commonweal.storage.sqlite.database import Database
from commonweal.storage.sqlite.placeholders import in_list

if TYPE_CHECKING:  # which imports this
    from commonweal.storage.records.logs.log_store import Store

HASHES_PER_SCAN_MAX = 1_000
"""Bodies that one scan of all records looks for."""

READ_BYTES = 64 * 1024
"""Bytes of a log that are read at a time."""

RARE_ROWS_MAX = 500
"""Governance records read in one step: a few ms."""

_ENDS = tuple(SIGNATURE_BYTES + 1 + size + 32 for size in (1, 2, 3, 5))
"""Distances from the end of a record to the hash of its body, by the bytes of the size field."""

_BASE = f"(SELECT base FROM log WHERE id = key >> {SEQ_BITS})"  # noqa: S608  numbers of ours
_STAYS = f"(key IN rare OR key & {SEQ_MAX} >= {_BASE})"
"""Which records of their logs a light home keeps."""


def erasures(store: Database, after: int) -> tuple[list[Record], int | None]:
    """Return the requests to erase among the next governance records with a key above `after`.

    The second part is the `after` of the next call; None when these were the last.
    """
    keys = store.rows(
        "SELECT key FROM rare WHERE key > ? ORDER BY key LIMIT ?", (after, RARE_ROWS_MAX)
    )
    if not keys:
        return [], None
    last = keys[-1][0]
    rows = store.rows(
        "SELECT opening, tail FROM rare JOIN held USING (key) WHERE rare.key > ? AND rare.key <= ?"
        " AND seq < length AND instr(tail, ?) ORDER BY rare.key",
        (after, last, codec.encode(ERASE)),
    )
    records = []
    for opening, tail in rows:
        with suppress(Malformed, InvalidRecord):  # the disk corrupted it, and it is fetched again
            records.append(from_bytes_unchecked(whole(opening, tail)))
    erasing = [record for record in records if record.kind == ERASE]
    return erasing, last if len(keys) == RARE_ROWS_MAX else None


def authors_naming(store: Database, hashes: Iterable[bytes]) -> list[tuple[bytes, DeviceKey]]:
    """Return (hash, author) once for each author with a record, void or not, that names the body.

    hashes: at most HASHES_PER_SCAN_MAX. Scans all records, whatever the number of hashes: about
    100 ms for 100,000 records.
    """
    wanted = list(dict.fromkeys(hashes))
    assert len(wanted) <= HASHES_PER_SCAN_MAX
    known = frozenset(wanted)
    places, values = in_list(wanted)
    pairs: dict[tuple[bytes, DeviceKey], None] = {}
    for end in _ENDS:
        for table, column in (("record", "tail"), ("branch", "wire")):
            log = "record.key >> 40" if table == "record" else "branch.log"
            rows = store.rows(
                f"SELECT DISTINCT substr({column}, ?, 32), author FROM {table}"  # noqa: S608
                f" JOIN log ON log.id = {log} WHERE substr({column}, ?, 32) IN ({places})",
                (-end, -end, *values),
            )
            pairs.update(
                dict.fromkeys((bytes(digest), DeviceKey(author)) for digest, author in rows)
            )
    for content, author in store.each(
        "SELECT content, author FROM run JOIN log ON log.id = key >> 40"
    ):
        with suppress(Malformed):  # the disk corrupted it, and it is fetched again
            for part in packed_run.parts(content):
                for digest in _ends_of(part):
                    if digest in known:
                        pairs[digest, DeviceKey(author)] = None
    return list(pairs)


def authors_naming_later(
    store: Store, hashes: Iterable[bytes], starts: Mapping[DeviceKey, int]
) -> list[tuple[bytes, DeviceKey]]:
    """Return what `authors_naming` does of the good records from a seq on, by author of a log."""
    known = frozenset(hashes)
    pairs: dict[tuple[bytes, DeviceKey], None] = {}
    for author, start in starts.items():
        length = store.log(author).length
        while start < length and (wires := store.wires(author, start, length, READ_BYTES)):
            named = {wire[-end : 32 - end] for wire in wires for end in _ENDS}
            pairs.update(dict.fromkeys((digest, author) for digest in sorted(named & known)))
            start += len(wires)
    return list(pairs)


def named_where_kept(store: Database, hashes: Iterable[bytes]) -> set[bytes]:
    """Return which of these bodies a record names that a light home keeps.

    Kept are the records from the base of each log on, governance records, and those that stand
    beside the logs. Scans these once, whatever the number of hashes: about 100 ms for 100,000.
    """
    wanted = list(dict.fromkeys(hashes))
    known, kept = frozenset(wanted), set[bytes]()
    for start in range(0, len(wanted), HASHES_PER_SCAN_MAX):
        kept |= _named_one_by_one(store, wanted[start : start + HASHES_PER_SCAN_MAX])
    for content, below in store.each(
        "SELECT content, base - (key & ?1) FROM run JOIN log ON log.id = key >> 40"
        " WHERE key & ?1 > base - ?2",
        (SEQ_MAX, packed_run.RECORDS_MAX),
    ):
        with suppress(Malformed):  # the disk corrupted it, and it is fetched again
            for part in packed_run.parts(content)[max(0, below) :]:
                kept.update(known.intersection(_ends_of(part)))
    return kept


def _named_one_by_one(store: Database, hashes: list[bytes]) -> set[bytes]:
    """Return which of these bodies a record names that a light home keeps in no packed run."""
    (places, values), named = in_list(hashes), set[bytes]()
    rows = (("record", "tail", _STAYS), ("branch", "wire", "1"), ("fetched", "wire", "1"))
    for end in _ENDS:
        for table, column, stays in rows:
            asked = (
                f"SELECT DISTINCT substr({column}, ?, 32) FROM {table}"  # noqa: S608  names of ours
                f" WHERE substr({column}, ?, 32) IN ({places}) AND {stays}"
            )
            named.update(digest for (digest,) in store.rows(asked, (-end, -end, *values)))
    return named


def _ends_of(part: bytes) -> Iterator[bytes]:
    """Yield what stands where the hash of a body may stand in a part of a packed run."""
    for end in _ENDS:
        yield part[SIGNATURE_BYTES - end : SIGNATURE_BYTES - end + 32]
