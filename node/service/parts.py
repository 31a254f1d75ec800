"""The parts of one node's service, and how they are connected. No part decides here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.node.service.change_feed import ChangeFeed
from commonweal.node.service.consensus.reactor import Reactor
from commonweal.node.service.consensus.state_sync import StateSync
from commonweal.node.service.core import Core
from commonweal.node.service.peer import Identity, PeerPart, PeerState
from commonweal.node.service.peers.handshake import Handshake
from commonweal.node.service.peers.overlay import Overlay
from commonweal.node.service.queries import StatusQueries
from commonweal.node.service.replica.replica import Replica
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.node.service.sync.blobs import BlobFetch
from commonweal.node.service.sync.fetch import RecordFetch
from commonweal.node.service.sync.fork_evidence import ForkEvidence
from commonweal.node.service.sync.ingest import Ingest
from commonweal.node.service.sync.lookup import OldRecordLookup
from commonweal.node.service.sync.push import Push
from commonweal.node.service.sync.serve import RecordServer
from commonweal.node.service.sync.serve_named import NamedServer
from commonweal.node.service.topics import GossipTopics
from commonweal.node.service.upkeep.erasure import Erasure
from commonweal.node.service.upkeep.refill import Refill
from commonweal.node.service.upkeep.releases import Releases
from commonweal.node.service.upkeep.retention import Retention
from commonweal.node.service.upkeep.reviews import ReviewOpener
from commonweal.node.service.upkeep.scrub import Scrubber
from commonweal.node.service.upkeep.signatures import SignatureAudit
from commonweal.node.service.writer import Writer
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.records.logs.log_store import Store

if TYPE_CHECKING:
    from random import Random


class Parts:
    """Every part of the service, by name; they share one `Core`."""

    def __init__(
        self,
        store: Store,
        community: CommunityId,
        identity: Identity,
        rng: Random,
        invite: Invite | None = None,
    ) -> None:
        core = self.core = Core(Replica(store, community), identity, rng)
        self.handshake = Handshake(core, invite)
        self.overlay = Overlay(core)
        self.fetch = RecordFetch(core, self._awaits_seals, lambda: self.state_sync.comes_first)
        self.anti_entropy = AntiEntropy(core, self.fetch)
        self.record_server = RecordServer(core)
        self.named_server = NamedServer(core, self.record_server)
        self.push = Push(core, self.record_server, self.fetch)
        self.blobs = BlobFetch(core, self.anti_entropy)
        self.reactor = Reactor(core, self.anti_entropy)
        self.forks = ForkEvidence(core, self.anti_entropy)
        self.record_lookup = OldRecordLookup(core)
        self.ingest = Ingest(
            *(core, self.forks, self.fetch, self.blobs, self.record_lookup),
            self.reactor.chain_sync.ask,
        )
        self.state_sync = StateSync(core, self.reactor)
        self.writer = Writer(core, self.fetch.is_fetching)
        self.releases = Releases(self.writer.write_unasked)
        self.scrubber = Scrubber(core)
        self.signature_audit = SignatureAudit(core, self.forks, self.fetch)
        self.erasure = Erasure(core)
        self.retention = Retention(core)
        self.refill = Refill(core)
        self.reviews = ReviewOpener(core, self.writer)
        self.topics = GossipTopics(core, self.ingest, self.reactor, self.anti_entropy)
        self.queries = StatusQueries(
            core, self.handshake, self.overlay, self.scrubber, self.reactor
        )
        self.change_feed = ChangeFeed(core, self.queries)
        self._peer_parts: tuple[PeerPart, ...] = (
            *(core, self.handshake, self.overlay, self.writer.rollback),
            *(self.fetch, self.anti_entropy, self.record_server, self.named_server),
            *(self.push, self.blobs, self.forks, self.ingest, self.reactor, self.state_sync),
            *(self.record_lookup, self.refill),
        )

    def _awaits_seals(self, peer: PeerState) -> bool:
        return self.reactor.chain_sync.is_awaited(peer)

    def left(self, key: PeerKey) -> None:
        """Let every part forget a peer whose link ended."""
        peer = self.core.peers.pop(key, None)
        if peer is not None and peer.device is not None:
            self.reactor.presence.lost(peer.device)
        for part in self._peer_parts:
            part.left(key)

    def reload_parts(self) -> None:
        """Let every part read again what is stored, as after a commit that failed."""
        self.overlay.reload()
        self.scrubber.reload()
        self.erasure.reload()
        self.reactor.reload()
        self.state_sync.reload()
        self.record_lookup.reload()
        self.refill.reload()
        self.releases.reload()
        self.topics.reload()
        self.change_feed.reload()
