"""From the rows of a sheet to the records to be written, and which of them are here already.

A row is known again by the hash of what its record says for ever; the note, which can be
erased, is not in that hash, so nobody can guess an erased note by it. Of rows with one
hash as many are new as there are more of them than records, compared by their notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from commonweal.client.contributions.contributions import CONTENT_BYTES_MAX
from commonweal.client.home.submit import now_ms
from commonweal.client.importers.sheet import Row, at
from commonweal.client.language.quantity import (
    quantity_field,
    read_action,
    read_quantity,
    read_scope,
)
from commonweal.client.language.times import read_date, stated
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.ledger.directory import People
from commonweal.client.ledger.texts import text_of
from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError, UnreadableFile, UnusableText
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.storage.home.home import Settings
from commonweal.storage.ledger.points_in_time import HAPPENED
from commonweal.storage.records.log_pages import whole
from commonweal.storage.records.log_store import Store

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

ROW_KEY = "row"
"""Where the data of an event names the row that it was taken from."""
HASH_BYTES = 32
FAULTS_SHOWN_MAX = 20


def wishes_of(
    rows: Sequence[Row],
    path: Path,
    store: Store,
    settings: Settings,
    report: Callable[[str], None],
    words: Words = ENGLISH,
) -> list[tuple[int, Wish]]:
    """Return what is to be written for those rows that are not here yet, each with its line.

    report: is called with a sentence for each of the first rows that cannot be read; then
    UnreadableFile is raised.
    """
    from commonweal.node.service.events import Text, Wish

    people = People(store, settings.here, words=words)
    here = _here(store)
    wishes: list[tuple[int, Wish]] = []
    wrong = 0
    for row in rows:
        try:
            data, note = _event(row, people, settings, words)
        except CommonwealError as error:
            wrong += 1
            if wrong <= FAULTS_SHOWN_MAX:
                report(at(path, row.line, f"{words.error(error)} ({error})", words))
            continue
        digest = blake2b(codec.encode(data), digest_size=HASH_BYTES).digest()
        for known in ((digest, note), (digest, None)):
            if here[known]:
                here[known] -= 1
                break
        else:
            text = Text("text/plain", note.encode()) if note else None
            wishes.append((row.line, Wish("event", {**data, ROW_KEY: digest}, (), text)))
    if wrong:
        few = words.plural("{n} row cannot be read", "{n} rows cannot be read", wrong)
        raise UnreadableFile(f"{path}: {few.format(n=wrong)}")
    return wishes


def events_naming(store: Store, key: str, *sizes: int) -> Iterator[Record]:
    """Yield the good events whose data has, under `key`, bytes of one of these sizes (< 256)."""
    for size in sizes:
        mark = codec.encode(key) + codec.encode(bytes(size))[:2]
        rows = store.each(
            "SELECT opening, tail FROM held WHERE instr(tail, ?) AND seq < length", (mark,)
        )
        for opening, tail in rows:
            record = from_bytes_unchecked(whole(opening, tail))
            named = record.data.get(key)
            if record.kind == "event" and type(named) is bytes and len(named) == size:
                yield record


def _here(store: Store) -> Counter[tuple[bytes, str | None]]:
    """Return how many records are here of each row; with the note None where it was erased."""
    counts: Counter[tuple[bytes, str | None]] = Counter()
    for record in events_naming(store, ROW_KEY, HASH_BYTES):
        note = "" if record.body is None else text_of(store, record.id)
        counts[record.data[ROW_KEY], note] += 1
    return counts


def _event(
    row: Row, people: People, settings: Settings, words: Words
) -> tuple[dict[str, codec.Value], str]:
    """Return the data and the note of a row's event."""
    cells = row.cells
    for field in ("action", "quantity", "unit"):
        if field not in cells:
            raise UnusableText(words("{field} is empty").format(field=field))
    action = read_action(cells["action"], words)
    amount = read_quantity(cells["quantity"], cells["unit"], words)
    provider = people.find_active(cells["provider"]) if "provider" in cells else settings.member
    data: dict[str, codec.Value] = {"action": action, "provider": bytes(provider)}
    data[quantity_field(action, str(amount["unit"]))] = amount
    if "receiver" in cells:
        data["receiver"] = bytes(people.find_active(cells["receiver"]))
    if "scope" in cells:
        data["inScopeOf"] = read_scope(cells["scope"], words)
    if "date" in cells:
        data[HAPPENED] = stated(read_date(cells["date"], now_ms()))
    note = cells.get("note", "")
    if len(note.encode()) > CONTENT_BYTES_MAX:
        raise UnusableText(words("the note is longer than a record takes"))
    return data, note
