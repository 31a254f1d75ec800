"""Blob fetch: texts and documents that did not come with their record, asked for by hash.

A peer is asked for a few bodies at a time, which it sends in chunks that are joined here. A body
that a peer is sending is not asked for again, however long that takes; a body that no peer has
holds up no other. Which bodies are needed is decided by `ingest`, the scrubber and the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.protocol import keys
from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import PERMANENT_BYTES_MAX, BodyRef, Record, is_body
from commonweal.protocol.wire import messages

BODIES_MAX = 4
"""Bodies that one peer may be sending in chunks at a time."""
BODY_STALL_MS = 15_000
"""After this time without a chunk of the bodies that were asked for, others are asked for."""


@dataclass(slots=True)
class _BodyDownload:
    """What one peer was asked for. progress_ms: when it was first asked, or last sent a chunk."""

    asked: dict[bytes, None] = field(default_factory=dict)
    buffers: dict[bytes, bytearray] = field(default_factory=dict)
    progress_ms: int = 0


class BlobFetch:
    """The bodies that peers are sending, and the round over the texts that are missing."""

    def __init__(self, core: Core, anti_entropy: AntiEntropy) -> None:
        self.core, self.anti_entropy = core, anti_entropy
        self._downloads: dict[PeerKey, _BodyDownload] = {}
        self._after = b""
        """The texts up to this hash were asked for; then the round begins again."""
        self._documents: tuple[bytes, ...] = ()
        """Documents that the final state names, and that were missing when the ledger said so."""

    def left(self, key: PeerKey) -> None:
        """Forget the bodies that a peer was sending."""
        self._downloads.pop(key, None)

    def want(self, peer: PeerState, hashes: Iterable[bytes]) -> None:
        """Ask a peer for bodies, up to BODIES_MAX together with those that it is sending."""
        now_ms, download = self.core.now_ms, self._of(peer)
        if now_ms - download.progress_ms > BODY_STALL_MS:
            download.asked.clear()
            download.buffers.clear()
        if not download.asked:
            download.progress_ms = now_ms
        room = BODIES_MAX - len(download.asked)
        fresh = [digest for digest in dict.fromkeys(hashes) if digest not in download.asked]
        if asked := tuple(fresh[:room]):
            download.asked.update(dict.fromkeys(asked))
            self.core.send(peer, messages.WantBodies(asked))

    def want_lost(self, peer: PeerState, documents: Sequence[bytes]) -> None:
        """Ask a peer for some of the documents that the disk lost."""
        self.want(peer, self.core.rng.sample(documents, min(len(documents), BODIES_MAX // 2)))

    def want_documents(self, documents: tuple[bytes, ...]) -> None:
        """Ask a member for the documents that the final state names, before any record comes.

        documents: those that are missing; without them the rules of the state are not known.
        """
        self._documents = documents
        self._ask_documents()

    def _ask_documents(self) -> None:
        store, members = self.core.replica.store, self.core.members()
        missing = [digest for digest in self._documents if not store.has_body(digest)]
        if missing and members:
            self.want(self.core.rng.choice(members), missing)

    def tick(self) -> None:
        """Ask one member for texts that are missing: a newcomer's come after they are admitted."""
        self._ask_documents()
        members = [peer for peer in self.core.members() if peer.compared]
        if members and self.core.replica.store.wanted_bodies(1):
            self.want_texts(self.core.rng.choice(members))

    def want_texts(self, peer: PeerState) -> None:
        """Ask a peer for the next few texts that records name and that are missing."""
        store, room = self.core.replica.store, BODIES_MAX - len(self._of(peer).asked)
        if room > 0:
            missing = store.wanted_bodies(room, self._after) or store.wanted_bodies(room)
            self._after = missing[-1] if missing else b""
            self.want(peer, missing)

    def chunk(self, peer: PeerState, message: messages.BodyChunk) -> None:
        """Join the chunks of a body that was asked for; store it when it is complete."""
        digest, download = message.hash, self._of(peer)
        if digest not in download.asked:
            return None
        buffer = download.buffers.setdefault(digest, bytearray())
        fits = message.offset == len(buffer) and len(buffer) + len(message.data) <= message.size
        if not fits or not 0 < message.size <= PERMANENT_BYTES_MAX:
            download.buffers.pop(digest)
            download.asked.pop(digest)
            return None
        buffer += message.data
        download.progress_ms = self.core.now_ms
        if len(buffer) < message.size:
            return None
        body = bytes(download.buffers.pop(digest))
        download.asked.pop(digest)
        if keys.hash32(keys.BODY, body) != digest:
            return self.core.drop(peer, "a body that is not what was asked for")
        store = self.core.replica.store
        # The size that the record names may be false; the hash of the body is not.
        permanent = store.wanted_body(digest) is None
        store.put_body(BodyRef(digest, len(body), permanent), body)
        if permanent:
            self.anti_entropy.request(peer)
        elif not download.asked:
            self.want_texts(peer)
        return None

    def _of(self, peer: PeerState) -> _BodyDownload:
        return self._downloads.setdefault(peer.key, _BodyDownload())


def bodies_of(records: list[Record], run: messages.Run, skipped: int) -> dict[bytes, bytes]:
    """Return the bodies of a run by hash. Raises `InvalidRecord` if one is not its record's.

    skipped: how many records at the start of the run are held already and not in `records`.
    """
    bodies = {}
    for index, body in run.bodies:
        if skipped <= index < skipped + len(records):
            record = records[index - skipped]
            if record.body is None or not is_body(record.body, body):
                raise InvalidRecord(f"{record} came with a body that is not its own")
            bodies[record.body.hash] = body
    return bodies
