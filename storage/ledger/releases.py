"""Due releases: what a home has to hand over to members who used its member's data.

A use counts here once a seal covers it: what was read cannot be unread, so nothing is handed over
for a use that may turn out void. What is due follows from the folded ledger and from which contents
this home keeps. Nothing here reads a content, seals or writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.exchange.data import releases
from commonweal.protocol.ledger.exchange.data.uses import UseRow, data_row, uses_of
from commonweal.protocol.ledger.members import registry, roles
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.data_content import part_count
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.ledger import LedgerState


class DueRelease(NamedTuple):
    """What is to be handed over for a use.

    content: the hash of it. of: in how many parts. parts: those that were not released, ascending.
    devices: who may read it, ascending.
    """

    use: RecordId
    content: bytes
    of: int
    parts: tuple[int, ...]
    devices: tuple[DeviceKey, ...]


def due_releases(
    kept: LedgerState, member: MemberId, holds: Callable[[bytes], bool]
) -> Iterator[DueRelease]:
    """Yield the releases that are due from this home, by owner and by the id of the use.

    kept: folded whole. member: of this home. holds: whether a content with this hash is kept here.
    """
    assert kept.is_whole, "else a release that was written is not known here"
    final, newest = kept.final, kept.state
    if not registry.is_active(newest, member):
        return
    for owner in _owners(kept, final, member):
        for use, row in uses_of(final, owner):
            due = _due(final, newest, RecordId(use), row, holds)
            if due is not None:
                yield due


def _owners(kept: LedgerState, final: State, member: MemberId) -> tuple[bytes, ...]:
    """Return whose data this home releases: its member's, and the community's where they may."""
    if not uses_of(final, kept.community):
        return (member,)
    role = kept.rules.speaks_for_community
    may_speak = not role or roles.holds(final, member, role)
    return (member, kept.community) if may_speak else (member,)


def _due(
    final: State,
    newest: State,
    use: RecordId,
    row: UseRow,
    holds: Callable[[bytes], bool],
) -> DueRelease | None:
    data = data_row(newest, row.resource)
    if data is None or data.is_erased or not holds(data.hash):
        return None
    of = part_count(data.size)
    gone = releases.released(newest, use)
    parts = tuple(number for number in range(of) if number not in gone)
    sure = releases.readers(final, row)
    devices = tuple(device for device in releases.readers(newest, row) if device in sure)
    return DueRelease(use, data.hash, of, parts, devices) if parts and devices else None
