"""Refill: a home that was light and is full again fetches what it dropped, from the base down.

A full home is asked for the records just below the base of a log. They are taken when each is
linked to the next, and the last to the record at the base, so no signature is needed and no
giver is believed. In other homes nothing happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.sync.blobs import bodies_of
from commonweal.protocol.errors import InvalidRecord, Malformed, MissingBody
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records.record import Record, RecordId, from_bytes_unchecked
from commonweal.protocol.wire import messages
from commonweal.storage.records import light_home

PART_RECORDS = 512
"""Records that are asked for at once."""
PART_MS = 10_000
"""Time that a home has to give a part; then another is asked."""


@dataclass(slots=True)
class _Part:
    """Records `start` to `stop` - 1 of a log, asked of a peer; records: those that came."""

    peer: PeerKey
    author: DeviceKey
    start: int
    stop: int
    since_ms: int
    records: list[Record] = field(default_factory=list)
    bodies: dict[bytes, bytes] = field(default_factory=dict)


class _Place(NamedTuple):
    """A place in the void part of a log with so many good records: record `id`, number stop - 1."""

    length: int
    id: RecordId
    stop: int


class Refill:
    """What a home that is full again still lacks."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.reload()

    def reload(self) -> None:
        """Begin anew, as at the start and after a commit that failed."""
        self._part: _Part | None = None
        self._void_ms = -PART_MS
        """When void records were asked for."""
        self._void: dict[DeviceKey, _Place] = {}
        """How far down the void records of logs were found."""

    def left(self, key: PeerKey) -> None:
        """Ask another home for what this one was asked for."""
        if self._part is not None and self._part.peer == key:
            self._part = None

    def step(self) -> None:
        """Ask for the next part, where one is missing and none is under way."""
        replica, part = self.core.replica, self._part
        if replica.light.heights is not None:
            return
        if not replica.light.has_bases and not light_home.followed(replica.store):
            return
        if part is not None and self.core.now_ms - part.since_ms < PART_MS:
            return
        replica.light.keep_what_is_left()
        row = next((row for row in replica.store.logs() if row.base), None)
        keepers = self.core.keepers()
        if row is None:
            replica.light.read_again()
            if not self._want_void():
                light_home.put_followed(replica.store, 0)
        elif keepers:
            peer = self.core.rng.choice(keepers)
            start = max(0, row.base - PART_RECORDS)
            self._part = _Part(peer.key, row.author, start, row.base, self.core.now_ms)
            wanted = messages.Range(row.author, start, row.base)
            self.core.send(peer, messages.WantRecords((wanted,)))

    def _want_void(self) -> bool:
        """Look for what is sealed above the ends of forked logs; return whether more is to do.

        It is looked through from the last record down, some at a time, and what is missing is
        asked for as the branch that others cite.
        """
        replica, room = self.core.replica, PART_RECORDS
        for row in replica.rows():
            sealed = replica.chain.logs.get(row.author) if row.frozen is not None else None
            if sealed is None or sealed.length <= row.length:
                continue
            place = self._void.get(row.author)
            if place is None or place.length != row.length:
                place = _Place(row.length, sealed.head, sealed.length)
            while place.stop > row.length and room:
                record = replica.store.record(place.id)
                if record is None:
                    self._ask_branch(place.id)
                    break
                place = _Place(row.length, record.prev, record.seq)
                room -= 1
            self._void[row.author] = place
            if place.stop > row.length:
                return True
        self._void.clear()
        return False

    def _ask_branch(self, id: RecordId) -> None:
        """Ask a full home for a void record and those before it, now and then."""
        keepers = self.core.keepers()
        if keepers and self.core.now_ms - self._void_ms >= PART_MS:
            self._void_ms = self.core.now_ms
            self.core.send(self.core.rng.choice(keepers), messages.WantBranch((id,)))

    def take(self, peer: PeerState, runs: Sequence[messages.Run]) -> None:
        """Take in what a peer sent, as far as it is of the part that was asked for."""
        for run in runs:
            part = self._part
            if part is None or (part.peer, part.author) != (peer.key, run.author):
                continue
            if run.start != part.start + len(part.records):
                continue
            row = self.core.replica.row(part.author)
            if row.base != part.stop or row.length < part.stop:
                self._part = None  # a proof ended the log below it in the meantime
                continue
            wires = run.wires[: part.stop - run.start]
            try:
                records = list(map(from_bytes_unchecked, wires))
                part.bodies |= bodies_of(records, run, 0)
                part.records += records
                if len(part.records) == part.stop - part.start:
                    self._part = None
                    self._check(part)
                    self.core.replica.light.refill(part.author, part.records, part.bodies)
            except (InvalidRecord, Malformed, MissingBody) as error:
                self._part = None
                self.core.drop(peer, f"gives other records than are linked here: {error}")
                return
        if self._part is None:
            self.step()

    def _check(self, part: _Part) -> None:
        """Raise `InvalidRecord` unless the records are linked up to the base of their log."""
        store, seq = self.core.replica.store, part.stop
        named = self.core.replica.row(part.author).head  # where a proof ended it at the base
        for at_base in store.wires(part.author, seq, seq + 1, 0):
            named = from_bytes_unchecked(at_base).prev
        for record in reversed(part.records):
            seq -= 1
            if (record.id, record.seq, record.author) != (named, seq, part.author):
                raise InvalidRecord(f"record {seq} is another one")
            named = record.prev
