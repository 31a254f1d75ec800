"""What asks for texts to be erased, and who else names them: read from the records each time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import SIGNATURE_BYTES, DeviceKey
from commonweal.protocol.ledger.contributions.erasure import ERASE
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.storage.records.log_pages import whole
from commonweal.storage.records.log_store import Store

NAMED_MAX = 1_000
"""So many bodies are looked for in one reading of all records."""

RARE_ROWS_MAX = 500
"""So many rare records are looked through at once: a few ms."""

_ENDS = tuple(SIGNATURE_BYTES + 1 + size + 32 for size in (1, 2, 3, 5))
"""So far from its end a record names its body: before the signature, the class, and the size."""


def erasures(store: Store, after: int) -> tuple[list[Record], int | None]:
    """Return the records that ask for erasing among the next rare ones from above a place.

    And the place up to which that goes; None when it was the last.
    """
    keys = store.rows(
        "SELECT key FROM rare WHERE key > ? ORDER BY key LIMIT ?", (after, RARE_ROWS_MAX)
    )
    if not keys:
        return [], None
    last = keys[-1][0]
    found = store.rows(
        "SELECT opening, tail FROM rare JOIN held USING (key) WHERE rare.key > ? AND rare.key <= ?"
        " AND seq < length AND instr(tail, ?) ORDER BY rare.key",
        (after, last, codec.encode(ERASE)),
    )
    records = []
    for opening, tail in found:
        with suppress(Malformed, InvalidRecord):  # the disk changed it, and it is fetched again
            records.append(from_bytes_unchecked(whole(opening, tail)))
    erasing = [one for one in records if one.kind == ERASE]
    return erasing, last if len(keys) == RARE_ROWS_MAX else None


def naming(store: Store, hashes: Iterable[bytes]) -> list[tuple[bytes, DeviceKey]]:
    """Return who names these bodies, void records too: each hash with an author, each pair once.

    hashes: at most NAMED_MAX. All records are looked through, however many are asked about:
    some 50 ms for 100,000.
    """
    wanted = list(dict.fromkeys(hashes))
    assert len(wanted) <= NAMED_MAX
    marks = ", ".join("?" * len(wanted))
    found: dict[tuple[bytes, DeviceKey], None] = {}
    for end in _ENDS:
        for table, column in (("record", "tail"), ("branch", "wire")):
            log = "record.key >> 40" if table == "record" else "branch.log"
            rows = store.rows(
                f"SELECT DISTINCT substr({column}, ?, 32), author FROM {table}"  # noqa: S608
                f" JOIN log ON log.id = {log} WHERE substr({column}, ?, 32) IN ({marks})",
                (-end, -end, *wanted),
            )
            found.update(dict.fromkeys((bytes(one), DeviceKey(author)) for one, author in rows))
    return list(found)
