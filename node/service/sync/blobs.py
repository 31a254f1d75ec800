"""Bodies: texts and documents of records, asked for by their hash where they did not come along.

Few at a time of one peer, whose parts are put together here. What a peer is sending is not
asked for again, however long it takes him; what nobody has keeps nothing else waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commonweal.node.service.peer import Core, PeerState
from commonweal.protocol import keys
from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.records.record import PERMANENT_BYTES_MAX, BodyRef, Record, is_body
from commonweal.protocol.wire import messages

BODIES_MAX = 4
"""Bodies that one peer may be sending in parts at a time."""
BODY_STALL_MS = 15_000
"""A peer that sends nothing of the bodies we asked for so long may be asked for others."""


class BlobFetch:
    """What is missing here, and what peers are sending of it."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._after = b""
        """The texts up to this hash were asked for; then the round begins again."""

    def want(self, peer: PeerState, hashes: Iterable[bytes]) -> None:
        """Ask a peer for bodies, as many as he may be sending beside what he is."""
        now_ms = self.core.now_ms
        if now_ms - peer.body_ms > BODY_STALL_MS:
            peer.asked_bodies.clear()
            peer.parts.clear()
        if not peer.asked_bodies:
            peer.body_ms = now_ms
        room = BODIES_MAX - len(peer.asked_bodies)
        fresh = [one for one in dict.fromkeys(hashes) if one not in peer.asked_bodies]
        if asked := tuple(fresh[:room]):
            peer.asked_bodies.update(dict.fromkeys(asked))
            self.core.send(peer, messages.WantBodies(asked))

    def want_lost(self, peer: PeerState, documents: Sequence[bytes]) -> None:
        """Ask a peer for some of the documents that the disk lost, and for texts."""
        self.want(peer, self.core.rng.sample(documents, min(len(documents), BODIES_MAX // 2)))
        self._want_texts(peer)

    def part(self, peer: PeerState, message: messages.BodyChunk) -> None:
        """Put the parts of a body that we asked for together; keep it when it is whole."""
        digest = message.hash
        if digest not in peer.asked_bodies:
            return None
        buffer = peer.parts.setdefault(digest, bytearray())
        fits = message.offset == len(buffer) and len(buffer) + len(message.data) <= message.size
        if not fits or not 0 < message.size <= PERMANENT_BYTES_MAX:
            peer.parts.pop(digest)
            peer.asked_bodies.pop(digest)
            return None
        buffer += message.data
        peer.body_ms = self.core.now_ms
        if len(buffer) < message.size:
            return None
        body = bytes(peer.parts.pop(digest))
        peer.asked_bodies.pop(digest)
        if keys.hash32(keys.BODY, body) != digest:
            return self.core.drop(peer, "a body that is not what was asked for")
        store = self.core.replica.store
        # The size that its record claims may be a lie, the hash is none.
        permanent = store.wanted_body(digest) is None
        store.put_body(BodyRef(digest, len(body), permanent), body)
        if permanent:
            peer.compare_ms = 0
        elif not peer.asked_bodies:
            self._want_texts(peer)
        return None

    def _want_texts(self, peer: PeerState) -> None:
        """Ask a peer for the next few texts that records name and that are missing."""
        store, room = self.core.replica.store, BODIES_MAX - len(peer.asked_bodies)
        if room > 0:
            found = store.wanted_bodies(room, self._after) or store.wanted_bodies(room)
            self._after = found[-1] if found else b""
            self.want(peer, found)


def bodies_of(records: list[Record], run: messages.Run, skipped: int) -> dict[bytes, bytes]:
    """Return the bodies of a run by hash; raise `InvalidRecord` when one is not its record's."""
    found = {}
    for index, body in run.bodies:
        if skipped <= index < skipped + len(records):
            record = records[index - skipped]
            if record.body is None or not is_body(record.body, body):
                raise InvalidRecord(f"{record} came with a body that is not its own")
            found[record.body.hash] = body
    return found
