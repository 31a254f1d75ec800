"""The gossip topics: what this node publishes, and what it does with what it hears.

Whatever is heard has passed the validator, so its signatures are good. The peer that handed it on
answers for nothing in it, and does not necessarily hold it: no peer is dropped here.
"""

from __future__ import annotations

from contextlib import suppress

from commonweal.node.service.consensus.reactor import Reactor
from commonweal.node.service.core import Core
from commonweal.node.service.events import Publish, SetRoster, Subscribe
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.roster import RosterSource
from commonweal.node.service.sync.announce import Announcement, Announcements
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.node.service.sync.ingest import Ingest
from commonweal.protocol.errors import (
    InvalidRecord,
    Malformed,
    MissingDependency,
    MissingParent,
)
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.record import RECORD_BYTES_MAX, Record, from_bytes_unchecked
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.votes import Certificate, Vote


class GossipTopics:
    """What a node says and hears by gossip."""

    def __init__(
        self, core: Core, ingest: Ingest, reactor: Reactor, anti_entropy: AntiEntropy
    ) -> None:
        self.core, self.ingest, self.reactor = core, ingest, reactor
        self.anti_entropy = anti_entropy
        self.announcements = Announcements(core, ingest.fetch.authors)
        self._rosters = RosterSource(core.replica)

    def begin(self) -> None:
        """Follow the topics of the community."""
        announcements = self.announcements
        self.core.do(
            Subscribe((announcements.topic, announcements.rules_topic, self.reactor.gossip.topic))
        )

    def reload(self) -> None:
        """Begin anew after a commit that failed."""
        self._rosters.reload()

    def heard(self, peer: PeerState, content: object) -> None:
        """Take in what the validator let through, which a peer handed on."""
        match content:
            case Announcement():
                if self.announcements.heard(content):
                    self.anti_entropy.begin_soon(peer)
            case Record():
                if self.core.keeps:
                    self._rule(peer, content)
            case Vote() | HaveFrontier() | Certificate():
                self.reactor.gossiped(content)
            case _:
                raise AssertionError("the validator lets nothing else through")

    def grown(self, grown: dict[DeviceKey, int]) -> None:
        """Publish what was committed, and let the validator know who may speak now."""
        self.announcements.note(grown)
        self.due()
        for data in self.announcements.rules(grown):
            self.core.do(Publish(self.announcements.rules_topic, data))
        roster = self._rosters.renewed(self.reactor.driver.candidates, self.core.now_ms)
        if roster is not None:
            self.core.do(SetRoster(roster))

    def due(self) -> None:
        """Publish how far logs go, when it is time."""
        for data in self.announcements.due():
            self.core.do(Publish(self.announcements.topic, data))

    def _rule(self, peer: PeerState, record: Record) -> None:
        """Take in a record about rules where it follows its log, or prove that it forks it.

        Where this node seems to lack something, the peer is asked by a comparison.
        """
        replica, author = self.core.replica, record.author
        row = replica.row(author)
        if replica.is_frozen(author) or record.seq < row.base:
            return  # what is below a base is sealed, and not here to be compared
        if record.seq < row.length:
            if replica.store.id_at(author, record.seq) != record.id:
                self._convict(record)
            return
        place = (replica.community, author, replica.tip(author), (record.wire,))
        try:
            log.read_run(*place, replica.clock_of)
        except (MissingParent, MissingDependency):
            self.anti_entropy.request(peer)
        except (InvalidRecord, Malformed):
            pass  # its author's fault, which needs a proof to be shown
        else:
            if self.ingest.take(peer, record):
                self._confirm(author, record.seq + 1)

    def _convict(self, record: Record) -> None:
        """Prove a fork, where another record stands here in the place of this one."""
        replica, seq = self.core.replica, record.seq
        with suppress(InvalidRecord, Malformed):  # ours may be one that a later one vouches for
            (ours,) = replica.store.wires(record.author, seq, seq + 1, RECORD_BYTES_MAX)
            proof = fork_proof.check(from_bytes_unchecked(ours), record, replica.community)
            self.ingest.forks.freeze(proof)

    def _confirm(self, author: DeviceKey, length: int) -> None:
        """Note that an author, where it is linked, holds the record that it signed."""
        for peer in self.core.members():
            if peer.device == author:
                peer.confirm(author, length, length)
