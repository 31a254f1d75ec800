"""The layered state database: the file of the folded state, read key by key.

It follows from the records of the ledger and is discarded when it has another version or another
community, or is damaged; nothing is lost by that. It holds no secret, and no erasable text except
the names of members. It never folds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from commonweal.protocol.ledger.things.event_row import is_unvalued
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.state.local_ids import (
    agents_of,
    known_numbers,
    new_numbers,
    numbers_of,
)
from commonweal.storage.ledger.state.state_file import StateFile
from commonweal.storage.ledger.state.state_rows import (
    FINAL_BYTES,
    GET,
    HELD_ANY,
    HELD_KEY,
    HELD_NUMBER,
    KEY,
    NEXT_EVENTS,
    NEXT_KEYS,
    NEXT_WORTHS,
    NUMBERED,
    OF_KEY,
    PUT,
    PUT_EVENT,
    PUT_PLAIN,
    PUT_UNVALUED,
    after,
    agents_in,
    encoded_row,
    final_query,
    key_parts,
    numbered,
    numbered_rows,
    packed,
    pairs_query,
    row_of,
    shortened,
    unpacked,
    value_of,
)

if TYPE_CHECKING:  # loaded when something is folded, or was refused
    from commonweal.protocol.ledger.state.context import Verdict
    from commonweal.protocol.ledger.state.rejections import Reason

FINAL, OLDER, NEWEST = 0, 1, 2
"""The layers: final at the last cut; the older records above it; the newest records."""


CLEARED_KEYS_MAX = 20_000
"""Keys of a cleared layer that are in memory at once."""

VALUES_CACHED_MAX = 50_000
"""Values of a layer that are cached during one fold."""


NumberedEvent: TypeAlias = tuple[int, Sequence[int | None], Sequence[Any]]
"""An event: its number, those of its member, provider and receiver, and its row."""


class StateDb(StateFile):
    """A connection to the file; other connections see writes after `commit`."""

    def get(self, key: bytes, layer_max: int = NEWEST) -> Any:
        """Return the value of `key` in the highest layer up to `layer_max` that has it."""
        start, id, rest = key_parts(key)
        row = self._do(GET, (id, start, rest, layer_max)).fetchone()
        return None if row is None else self.decoded(value_of, row)

    def final_events(self, after: int, count: int) -> list[NumberedEvent]:
        """Return the next events of the layer FINAL that the list lacks, at most `count`."""
        rows = self.rows(NEXT_EVENTS, (after, count))
        return [
            (number, agents, self.decoded(value_of, (data, *agents)))
            for number, data, *agents in rows
        ]

    def final_worths(self, after: int, count: int) -> list[tuple[int, Any]]:
        """Return the next final values that the list lacks, by number of the event."""
        rows = self.rows(NEXT_WORTHS, (after, count))
        return [(number, self.decoded(unpacked, data)) for number, data in rows]

    def verdict(self, record: bytes) -> Verdict:
        """Return why a record counts for nothing; None when it was not refused."""
        rows = self.rows("SELECT reason FROM refused WHERE id = ?", (record,))
        if not rows:
            return None
        from commonweal.protocol.ledger.state.rejections import Reason

        return Reason(rows[0][0])

    def put_refused(self, pairs: Iterable[tuple[bytes, Any]]) -> None:
        """Write the reasons of the records that rows of the final state refuse."""
        from commonweal.protocol.ledger.state.rejections import refused

        rows = [(id, FINAL, reason.value) for id, reason in refused(pairs)]
        self.insert_many("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", rows)

    def refused_by(self, reasons: Sequence[Reason]) -> tuple[RecordId, ...]:
        """Return the sealed records that were refused for one of `reasons`, by id."""
        places = ", ".join("?" * len(reasons))
        asked = f"SELECT id FROM refused WHERE layer = ? AND reason IN ({places}) ORDER BY id"  # noqa: S608
        return tuple(
            RecordId(id)
            for (id,) in self.rows(asked, (FINAL, *(reason.value for reason in reasons)))
        )

    def ids_numbered(self, ids: Iterable[bytes]) -> list[bytes]:
        """Return those of `ids` that a key of a numbered table may name."""
        return list(known_numbers(self, sorted(ids)))

    def ids_held(self, table: bytes, ids: Collection[bytes], layer_max: int = FINAL) -> set[bytes]:
        """Return those of `ids` with which, after `table`, a key up to a layer begins."""
        if not (ids and self.rows(HELD_ANY, (table, after(table), layer_max))):
            return set()
        self.change("CREATE TEMP TABLE IF NOT EXISTS asked (id BLOB, start BLOB, stop BLOB)")
        self.change("DELETE FROM asked")
        starts = ((id, table + id) for id in ids)
        rows = ((bytearray(id), bytearray(start), bytearray(after(start))) for id, start in starts)
        self.insert_many("INSERT INTO asked VALUES (?, ?, ?)", rows)
        held = HELD_NUMBER if table in NUMBERED else HELD_KEY
        asked = f"SELECT id FROM asked WHERE EXISTS ({held})"  # noqa: S608
        return {id for (id,) in self.rows(asked, (table, layer_max))}

    def keys_above(self, prefix: bytes) -> list[bytes]:
        """Return the keys with this prefix that records above the last cut wrote, ascending."""
        assert not numbered(prefix), "no table of events is asked for so"
        asked = (
            "SELECT DISTINCT start FROM state WHERE start >= ? AND start < ? AND layer > ?"
            " ORDER BY start"
        )
        return [key for (key,) in self.rows(asked, (prefix, after(prefix), FINAL))]

    def pairs(self, prefix: bytes, layer_max: int = NEWEST) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs of the layers up to `layer_max` with this prefix, ascending by key."""
        for key, *value in self.rows(*pairs_query(prefix, layer_max)):
            if value[0] is not None:
                yield key, self.decoded(value_of, value)

    def is_empty(self) -> bool:
        """Whether all layers are empty."""
        return not self.rows("SELECT 1 FROM state LIMIT 1")

    def put(self, layer: int, changes: Iterable[tuple[bytes, Any]]) -> None:
        """Write changes to a layer; None removes a key."""
        rows = [row_of(key, layer, value) for key, value in changes]
        if layer == FINAL:
            gone = [row[:4] for row in rows if row[4] is None]
            rows = [row for row in rows if row[4] is not None]
            self.change_many(f"DELETE FROM state WHERE {OF_KEY} AND layer = ?4", gone)  # noqa: S608
        self._write(rows)

    def _write(self, rows: list[tuple[Any, ...]]) -> None:
        numbers = numbers_of(self, (row[0] for row in rows if row[0] is not None))
        agents = agents_of(self, agents_in(rows))
        naming, plain = numbered_rows(rows, numbers, agents)
        self.insert_many(PUT, naming)
        self.insert_many(PUT_PLAIN, plain)

    def put_encoded(
        self, pairs: Iterable[tuple[bytes, bytes]], decoded: Iterable[tuple[bytes, Any]] = ()
    ) -> None:
        """Write values to the layer FINAL as they stand in its tree; see `each_final`.

        decoded: pairs to write with them whose values are decoded already.
        """
        rows = [encoded_row(key, FINAL, data) for key, data in pairs]
        rows += [row_of(key, FINAL, value) for key, value in decoded]
        self._write(rows)

    def put_new_events(self, events: Mapping[bytes, Sequence[Any]]) -> list[NumberedEvent]:
        """Write final rows of events that have no number yet, by id; return them.

        Notes also which of them wait for a value.
        """
        numbers = new_numbers(self, events)
        short = [(number, *shortened(events[id])) for id, number in numbers.items()]
        named = dict.fromkeys(chain.from_iterable(agents for _, agents, _ in short))
        known = agents_of(self, (id for id in named if id is not None))
        listed: list[NumberedEvent] = []
        rows: list[tuple[Any, ...]] = []
        for (number, agents, rest), value in zip(short, events.values(), strict=True):
            giving = [known.get(agent) for agent in agents]
            rows.append((number, bytearray(packed(rest)), *giving))
            listed.append((number, giving, value))
        self.insert_many(PUT_EVENT, rows)
        unvalued = ((number,) for number, _, value in listed if is_unvalued(value))
        self.insert_many(PUT_UNVALUED, unvalued)
        return listed

    def each_final(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield each key of the layer FINAL with this prefix, and its value as it is in the tree.

        Without a prefix: all keys of the tree, and no local ones. In the order of the table, and
        read as it is yielded; write nothing before the end.
        """
        for key, *value in self.each(*final_query(prefix)):
            yield key, value[0] if value[1] is None else packed(self.decoded(value_of, value))

    def final_keys(self, after_key: bytes, count: int) -> list[bytes]:
        """Return the next keys of the layer FINAL in the order of the table, at most `count`."""
        start, id, rest = key_parts(after_key)
        return [key for (key,) in self.rows(NEXT_KEYS, (id, start, rest, count))]

    def final_bytes(self) -> int:
        """Return about how many bytes all keys and values of the layer FINAL have."""
        return int(self.rows(FINAL_BYTES)[0][0])

    def clear(self, layer: int) -> list[bytes]:
        """Empty a layer; return the keys that it had."""
        keys = [key for (key,) in self.rows(f"SELECT {KEY} FROM state WHERE layer = ?", (layer,))]  # noqa: S608
        self.change("DELETE FROM state WHERE layer = ?", (layer,))
        self.change("DELETE FROM refused WHERE layer = ?", (layer,))
        self.change("DELETE FROM touched WHERE layer = ?", (layer,))
        return keys

    def clear_large(self, layer: int) -> Iterator[list[bytes]]:
        """Empty a layer that may have more keys than fit memory; return them in portions.

        They wait in a temporary table, so that all are gone before the first is read.
        """
        self.change("CREATE TEMP TABLE IF NOT EXISTS cleared (key BLOB NOT NULL)")
        self.change("DELETE FROM cleared")
        self.change(f"INSERT INTO cleared SELECT {KEY} FROM state WHERE layer = ?", (layer,))  # noqa: S608
        self.change("DELETE FROM state WHERE layer = ?", (layer,))
        self.change("DELETE FROM refused WHERE layer = ?", (layer,))
        self.change("DELETE FROM touched WHERE layer = ?", (layer,))
        return self._cleared()

    def _cleared(self) -> Iterator[list[bytes]]:
        after = 0
        while True:
            asked = "SELECT rowid, key FROM cleared WHERE rowid > ? ORDER BY rowid LIMIT ?"
            rows = self.rows(asked, (after, CLEARED_KEYS_MAX))
            if not rows:
                break
            after = rows[-1][0]
            yield [key for _, key in rows]
        self.change("DELETE FROM cleared")

    def touched(self, subject: bytes, layer_max: int) -> tuple[int, int]:
        """Return the clocks at which a subject was last read and written up to a layer; 0: never.

        Noted of the records above the last cut only.
        """
        asked = "SELECT max(read), max(written) FROM touched WHERE subject = ? AND layer <= ?"
        ((read, written),) = self.rows(asked, (subject, layer_max))
        return read or 0, written or 0

    def put_touched(
        self, layer: int, read: Mapping[bytes, int], written: Mapping[bytes, int]
    ) -> None:
        """Note the clocks at which the records of a layer last read and wrote subjects."""
        rows = [
            (subject, layer, read.get(subject, 0), written.get(subject, 0))
            for subject in {**read, **written}
        ]
        self.change_many(
            "INSERT INTO touched VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " read = max(read, excluded.read), written = max(written, excluded.written)",
            rows,
        )

    def page(self, tree: int, place: bytes) -> bytes | None:
        """Return the page of a Merkle tree at a place, or None."""
        row = self._do(
            "SELECT page FROM tree WHERE tree = ? AND place = ?", (tree, bytearray(place))
        ).fetchone()
        return None if row is None else bytes(row[0])

    def pages(self, tree: int, places: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the pages of a Merkle tree at those of `places` that have one."""
        query = f"SELECT place, page FROM tree WHERE tree = {tree:d} AND place IN ({{}})"  # noqa: S608
        return dict(self.among(query, [*map(bytearray, places)]))

    def put_pages(self, tree: int, pages: Mapping[bytes, bytes | None]) -> None:
        """Write pages of a Merkle tree by place; None removes a page."""
        put = [
            (tree, bytearray(place), bytearray(page))
            for place, page in sorted(pages.items())
            if page is not None
        ]
        gone = [(tree, place) for place, page in pages.items() if page is None]
        self.insert_many("INSERT OR REPLACE INTO tree VALUES (?, ?, ?)", put)
        self.change_many("DELETE FROM tree WHERE tree = ? AND place = ?", gone)


class LayeredState:
    """The state of the layers up to one of them; the base of a `State`."""

    __slots__ = ("_cache", "_layers", "_top")

    def __init__(self, layers: StateDb, top: int, *, cached: bool = False) -> None:
        """Read up to the layer `top`. cached: these layers do not change during its use."""
        self._layers, self._top = layers, top
        self._cache: dict[bytes, Any] | None = {} if cached else None

    def get(self, key: bytes) -> Any:
        """Return the value of `key`, or None."""
        cache = self._cache
        if cache is None:
            return self._layers.get(key, self._top)
        value = cache.get(key, cache)
        if value is cache:
            if len(cache) >= VALUES_CACHED_MAX:
                cache.clear()
            value = cache[key] = self._layers.get(key, self._top)
        return value

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs (key, value) with a key that starts with `prefix`, by key."""
        yield from self._layers.pairs(prefix, self._top)


class TreePages:
    """Pages of one Merkle tree over the final state, by place."""

    __slots__ = ("_layers", "_tree")

    def __init__(self, layers: StateDb, tree: int) -> None:
        """tree: index in `roots.Trees`."""
        self._layers, self._tree = layers, tree

    def get(self, place: bytes) -> bytes | None:
        """Return the page at `place`, or None."""
        return self._layers.page(self._tree, place)

    def among(self, places: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Return the pages at those of `places` that have one."""
        return self._layers.pages(self._tree, places)
