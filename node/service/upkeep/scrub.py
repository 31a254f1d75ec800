"""The scrubber: a background task that reads what is stored again, and mends it from peers.

Every record is named by the one that follows it, and the last one by its log's row, so a changed
byte is found without verifying a signature. Damaged records are asked for from members and
replaced only if the hash is right. Nothing is ever removed.
"""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.protocol import keys
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import SIGNATURE_BYTES, DeviceKey
from commonweal.protocol.records.record import RECORD_BYTES_MAX, RecordId, from_bytes_unchecked
from commonweal.protocol.wire import messages

SCRUB_BYTES = 64 * 1024
"""After so many bytes of one log a step ends; it takes some ms."""
SCRUB_RECORDS = 64
"""Records that are in memory at a time during a step, twice as many as in a packed run."""
SCRUB_BODIES = 32
DAMAGED_MAX = 10_000
"""Damaged records that are remembered; the rest is found on the next round."""

_NIL = 0xC0
"""The byte before the signature where a record has no body."""


class Scrubber:
    """One endless round over all that is stored."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.reload()

    def reload(self) -> None:
        """Begin the round again; what was found damaged is found again."""
        self._authors: list[DeviceKey] = []
        self._seq = 0
        self._body = b""
        self._damaged: dict[DeviceKey, dict[int, None]] = {}
        self._documents: dict[bytes, None] = {}

    @property
    def damaged(self) -> int:
        """How many records, documents and seals are damaged and not mended, as far as is known."""
        seals = len(self.core.replica.chain.sound.damaged)
        return sum(map(len, self._damaged.values())) + len(self._documents) + seals

    def step(self) -> None:
        """Read a part again, and keep neither its pages nor its unpacked runs in memory.

        A round reads all that is stored, within seconds where that is little: what it read would
        be in memory until the next checkpoint, and more of it the more is stored.
        """
        read = 0
        while read < SCRUB_BYTES and (more := self._read_part()):
            read += more
        self.core.replica.chain.sound.look()
        self.core.replica.store.shrink()

    def _read_part(self) -> int:
        """Read some records of a log again; return their bytes, 0 where a log or the round ends."""
        if not self._authors:
            self.core.replica.amend()
            self._authors = self.core.replica.authors()
            self._seq = 0
            self._scrub_bodies()
            return 0
        author = self._authors[-1]
        row = self.core.replica.row(author)
        length, self._seq = row.length, max(self._seq, row.base)
        stop = min(self._seq + SCRUB_RECORDS, length)
        wires = self.core.replica.store.wires(author, self._seq, stop, SCRUB_BYTES)
        self._miss_documents(wires)
        for seq in self._bad(author, self._seq, wires):
            if self.damaged < DAMAGED_MAX:
                self._damaged.setdefault(author, {})[seq] = None
        self._seq += max(len(wires) - 1, 1)  # the last is named by the next, read again with it
        if self._seq >= length or not wires:
            self._authors.pop()
            self._seq = 0
            return 0
        return sum(map(len, wires))

    def ask(self, peer: PeerState) -> None:
        """Ask a member for what is damaged here."""
        ranges = [
            messages.Range(author, min(seqs), max(seqs) + 1)
            for author, seqs in self._damaged.items()
        ]
        if ranges:
            self.core.send(peer, messages.WantRecords(tuple(ranges[: messages.RANGES_MAX])))

    def documents(self) -> list[bytes]:
        """Return the hashes of permanent bodies that records name and that are not held."""
        store = self.core.replica.store
        for digest in list(self._documents):
            if store.has_body(digest):
                del self._documents[digest]
        return list(self._documents)

    def mend(self, runs: Sequence[messages.Run]) -> None:
        """Put what a peer sent in the place of what is damaged, where its hash is right."""
        for run in runs:
            damaged = self._damaged.get(run.author)
            if damaged is None:
                continue
            for seq in sorted(damaged, reverse=True):
                at = seq - run.start
                sent = run.wires[at] if 0 <= at < len(run.wires) else None
                if self._is_mended(run.author, seq, sent):
                    del damaged[seq]
            if not damaged:
                del self._damaged[run.author]
                if not self._damaged:  # what was read at the start may have lacked some
                    self.core.replica.refold()

    def _is_mended(self, author: DeviceKey, seq: int, sent: bytes | None) -> bool:
        replica = self.core.replica
        length = replica.row(author).length
        if seq >= length:
            return True
        wires = replica.store.wires(author, seq, seq + 2, 2 * RECORD_BYTES_MAX)
        named = _prev(wires[1]) if seq + 1 < length else replica.row(author).head
        if named == keys.hash32(keys.RECORD, wires[0]):
            return True
        if sent is None or named != keys.hash32(keys.RECORD, sent):
            return False
        replica.store.mend(author, seq, sent)
        return True

    def _bad(self, author: DeviceKey, start: int, wires: list[bytes]) -> list[int]:
        """Return where what is stored is not what the next record, or the log's row, names."""
        row = self.core.replica.row(author)
        named: list[RecordId | None] = [_prev(wire) for wire in wires[1:]]
        if start + len(wires) == row.length:
            named.append(row.head)
        return [
            start + at
            for at, (wire, name) in enumerate(zip(wires, named, strict=False))
            if keys.hash32(keys.RECORD, wire) != name
        ]

    def _miss_documents(self, wires: list[bytes]) -> None:
        for wire in wires:
            if wire[-SIGNATURE_BYTES - 1] == _NIL:
                continue
            try:
                ref = from_bytes_unchecked(wire).body
            except (Malformed, InvalidRecord):
                continue
            if ref is None or not ref.permanent or len(self._documents) >= DAMAGED_MAX:
                continue
            if not self.core.replica.store.has_body(ref.hash):
                self._documents[ref.hash] = None

    def _scrub_bodies(self) -> None:
        """Ask again for some texts whose bytes are no longer those that their hash names."""
        store = self.core.replica.store
        bodies = store.bodies(self._body, SCRUB_BODIES)
        self._body = bodies[-1][0] if bodies else b""
        for digest, content in bodies:
            if keys.hash32(keys.BODY, content) != digest:
                store.lose_body(digest)


def _prev(data: bytes) -> RecordId | None:
    try:
        return from_bytes_unchecked(data).prev
    except (Malformed, InvalidRecord):
        return None
