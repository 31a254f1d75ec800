"""Readings: what came of the uses of data, as far as this home knows.

A use is asked until a seal covers it; then it waits for the owner's node, which hands over the
content in sealed parts; it is here once all parts are, and can be opened on the devices that are
named in them. Nothing here opens anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.exchange.offer_rows import thing_name
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.exchange.data.releases import released
from commonweal.protocol.ledger.exchange.data.uses import DATA_USE, UseRow, data_row
from commonweal.protocol.records import sealed_body
from commonweal.protocol.records.data_content import part_count
from commonweal.protocol.records.record import BodyRef, RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

ASKED, WAITING, COMING, HERE, ERASED = "asked", "waiting", "coming", "here", "erased"
READING_STATES = (ASKED, WAITING, COMING, HERE, ERASED)
"""What came of a use: no seal covers it yet; its owner's node handed over nothing or a part; parts
are on their way here; all are here; parts were erased."""


@dataclass(frozen=True, slots=True)
class DataReading:
    """A use of data, and what came of it.

    state: a word of `READING_STATES`. released, of: parts handed over, and all. opens_here: this
    device is named in what is here, so that it can be opened on it. owner_keeps: whether the
    content can still be handed over, as far as the ledger knows: it was not erased.
    """

    id: RecordId
    resource: RecordId
    name: str
    size: int
    purpose: str
    user: bytes
    user_name: str
    owner: bytes
    owner_name: str
    state: str
    released: int
    of: int
    opens_here: bool
    owner_keeps: bool


def readings(view: LedgerView) -> Iterator[DataReading]:
    """Yield every use of data that counts, by id."""
    for key, value in view.state.items(DATA_USE):
        yield reading(view, RecordId(key[len(DATA_USE) :]), UseRow(*value))


def reading(view: LedgerView, use: RecordId, row: UseRow) -> DataReading:
    """Return a use of data with what came of it."""
    data = data_row(view.state, row.resource)
    assert data is not None, "what was used is data"
    parts = released(view.state, use)
    of = part_count(data.size)
    state, opens_here = _came_of(view, use, list(parts.values()), of)
    return DataReading(
        id=use,
        resource=RecordId(row.resource),
        name=thing_name(view, row.resource) or row.resource.hex()[:8],
        size=data.size,
        purpose=row.purpose,
        user=row.user,
        user_name=view.name(row.user),
        owner=row.owner,
        owner_name=view.name(row.owner),
        state=state,
        released=len(parts),
        of=of,
        opens_here=opens_here,
        owner_keeps=not data.is_erased,
    )


def body_refs(view: LedgerView, records: list[RecordId]) -> list[BodyRef | None]:
    """Return what the records name as their sealed bodies; None where a record is not here."""
    held = (view.store.record(id) for id in records)
    return [None if record is None else record.body for record in held]


def _came_of(view: LedgerView, use: RecordId, records: list[RecordId], of: int) -> tuple[str, bool]:
    asked = view.store.record(use)
    if asked is not None and not view.kept.is_final(asked):
        return ASKED, False
    if len(records) < of:
        return WAITING, False
    bodies = [
        None if ref is None else view.store.body(ref.hash) for ref in body_refs(view, records)
    ]
    if all(body is not None for body in bodies):
        return HERE, view.settings.device in _devices(bodies[0])
    gone = (ref is not None and view.store.is_erased(ref.hash) for ref in body_refs(view, records))
    return (ERASED if any(gone) else COMING), False


def _devices(body: bytes | None) -> tuple[DeviceKey, ...]:
    """Return who can read a sealed body; nobody when it is none."""
    try:
        return () if body is None else sealed_body.from_bytes(body).devices
    except Malformed:
        return ()
