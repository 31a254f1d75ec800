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

    def want(self, session: PeerState, hashes: Iterable[bytes]) -> None:
        """Ask a peer for bodies, as many as he may be sending beside what he is."""
        now_ms = self.core.now_ms
        if now_ms - session.body_ms > BODY_STALL_MS:
            session.asked_bodies.clear()
            session.parts.clear()
        if not session.asked_bodies:
            session.body_ms = now_ms
        room = BODIES_MAX - len(session.asked_bodies)
        fresh = [one for one in dict.fromkeys(hashes) if one not in session.asked_bodies]
        if asked := tuple(fresh[:room]):
            session.asked_bodies.update(dict.fromkeys(asked))
            self.core.send(session, messages.WantBodies(asked))

    def want_lost(self, session: PeerState, documents: Sequence[bytes]) -> None:
        """Ask a peer for some of the documents that the disk lost, and for texts."""
        self.want(session, self.core.rng.sample(documents, min(len(documents), BODIES_MAX // 2)))
        self._want_texts(session)

    def part(self, session: PeerState, message: messages.BodyChunk) -> None:
        """Put the parts of a body that we asked for together; keep it when it is whole."""
        digest = message.hash
        if digest not in session.asked_bodies:
            return None
        buffer = session.parts.setdefault(digest, bytearray())
        fits = message.offset == len(buffer) and len(buffer) + len(message.data) <= message.size
        if not fits or not 0 < message.size <= PERMANENT_BYTES_MAX:
            session.parts.pop(digest)
            session.asked_bodies.pop(digest)
            return None
        buffer += message.data
        session.body_ms = self.core.now_ms
        if len(buffer) < message.size:
            return None
        body = bytes(session.parts.pop(digest))
        session.asked_bodies.pop(digest)
        if keys.hash32(keys.BODY, body) != digest:
            return self.core.drop(session, "a body that is not what was asked for")
        store = self.core.replica.store
        # The size that its record claims may be a lie, the hash is none.
        permanent = store.wanted_body(digest) is None
        store.put_body(BodyRef(digest, len(body), permanent), body)
        if permanent:
            session.compare_ms = 0
        elif not session.asked_bodies:
            self._want_texts(session)
        return None

    def _want_texts(self, session: PeerState) -> None:
        """Ask a peer for the next few texts that records name and that are missing."""
        store, room = self.core.replica.store, BODIES_MAX - len(session.asked_bodies)
        if room > 0:
            found = store.wanted_bodies(room, self._after) or store.wanted_bodies(room)
            self._after = found[-1] if found else b""
            self.want(session, found)


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
