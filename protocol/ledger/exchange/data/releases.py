"""Releases: the owner of data hands its content to who used it, sealed to their devices.

Record, with a sealed body (class 2) and no other:
  data.release  use: an event that is a use of the author's data, and counts, cited or sealed;
                of: in how many parts the content is handed over, as its size asks;
                part: which of them this is, 0 to of - 1, each once
By the owner's member; for data of the community by who speaks for it. Their node writes it once a
seal covers the use, since what was read cannot be unread. What is in the body nobody but its
devices can judge: who opens it compares it with the hash of the data. State: 9f parts released.
"""

from __future__ import annotations

from collections.abc import Iterator

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.exchange.data.contents import data_row, is_own
from commonweal.protocol.ledger.exchange.data.uses import UseRow, use_row
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.data_content import part_count
from commonweal.protocol.records.record import Record, RecordId
from commonweal.protocol.records.sealed_body import SEALED_DEVICES_MAX

RELEASE = Table.DATA_RELEASE.prefix
PART_BYTES = 4


def release(state: State, record: Record, context: Context) -> Verdict:
    """Note that the owner handed over a part of the content for a use."""
    use, part, of = (record.data.get(name) for name in ("use", "part", "of"))
    if not is_bytes(use) or not is_count(of, 1) or not is_count(part, 0, of - 1):
        return Reason.SHAPE
    if record.body is None or not record.body.sealed:
        return Reason.NOT_SEALED
    row = use_row(state, use)
    if row is None:
        return Reason.UNKNOWN_USE
    if not is_own(state, context, row.owner):
        return Reason.NOT_YOURS
    data = data_row(state, row.resource)
    assert data is not None, "what was used is data"
    if of != part_count(data.size):
        return Reason.WRONG_PARTS
    key = _key(use, part)
    if state.get(key) is not None:
        return Reason.RELEASED_BEFORE
    state.put(key, record.id)
    return None


def released(state: State, use: bytes) -> dict[int, RecordId]:
    """Return which parts were released for a use, in order, and by which records."""
    prefix = RELEASE + use
    pairs = state.items(prefix)
    return {int.from_bytes(key[len(prefix) :], "big"): RecordId(id) for key, id in pairs}


def readers(state: State, row: UseRow) -> tuple[DeviceKey, ...]:
    """Return the devices to which the content for a use is sealed, ascending.

    These are the devices of who used it that are enrolled and not revoked: the one by which they
    asked first, 16 at most. None when they are no member any more.
    """
    if not registry.is_active(state, row.user):
        return ()
    own = [row.device, *(device for device in _devices(state, row.user) if device != row.device)]
    good = [device for device in own if _is_good(state, device)]
    return tuple(sorted(map(DeviceKey, good[:SEALED_DEVICES_MAX])))


def _devices(state: State, member: bytes) -> Iterator[bytes]:
    prefix = registry.DEVICE_OF + member
    yield from (key[len(prefix) :] for key, _ in state.items(prefix))


def _is_good(state: State, device: bytes) -> bool:
    row = registry.device_row(state, device)
    return row is not None and row.last is None


def _key(use: bytes, part: int) -> bytes:
    return RELEASE + use + part.to_bytes(PART_BYTES, "big")
