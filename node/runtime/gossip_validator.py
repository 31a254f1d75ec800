"""The validator of gossip: what a node passes on, and what it takes in, is decided here.

A message is passed on when its publisher is a member's node, its content is of that member
or certified by a quorum, is not known to be old, came not before, and fits what one member may
publish. Nothing here reads a disk or waits: it judges by the roster that the service
made. What only the roster shows is ignored, since whoever passed it on may know another;
refused is what every node can see to be false, and the forwarder answers for that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from commonweal.node.service.roster import Roster
from commonweal.node.service.sync import announce
from commonweal.node.service.sync.announce import Announcement, topic
from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import GossipMessage, ValidatedGossip, ValidationResult
from commonweal.protocol import keys
from commonweal.protocol.errors import CommonwealError, InvalidRecord, InvalidSeal, Malformed
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey
from commonweal.protocol.records.record import Record, check_community, from_bytes
from commonweal.protocol.seal.consensus.messages import gossip_from_bytes
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.votes import Certificate, Vote, check_certificate

ORIGIN_BYTES_PER_S = 32 * 1024
ORIGIN_BYTES_BURST = 512 * 1024
"""What one member, with all devices, may publish before more of it is not passed on."""
MESSAGE_BYTES = 4 * 1024
"""A message counts for so much beside its size: taking one costs some 7 ms of libp2p."""
RECENT_MAX = 64
"""Contents of one publisher that are remembered, and messages that may overtake each other."""
IDLE_S = 600.0
"""A publisher that was silent for so long is forgotten."""
HEIGHTS_AHEAD = 2
"""Votes for the next height and the one after it: others may have sealed a moment earlier."""
RULES = "rules."
"""Kinds of records that travel by gossip begin so."""

IGNORED = ValidatedGossip(ValidationResult.IGNORE)
REFUSED = ValidatedGossip(ValidationResult.REJECT)


@dataclass(slots=True)
class _Publisher:
    """What is remembered of one publishing node. number: the highest of its messages."""

    number: int = 0
    at_s: float = 0.0
    recent: dict[bytes, None] = field(default_factory=dict)


class Validator:
    """Judges each message once, by the last roster; before the first it takes nothing."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """now_s: any clock that does not go back."""
        self._now_s = now_s
        self._roster: Roster | None = None
        self._publishers: dict[PeerKey, _Publisher] = {}
        self._budgets: dict[MemberId, TokenBucket] = {}
        self._certified: dict[tuple[int, bytes], None] = {}

    def recognise(self, roster: Roster) -> None:
        """Judge by this roster from now on; forget publishers that left or were long silent."""
        self._roster = roster
        late_s = self._now_s() - IDLE_S
        self._publishers = {
            peer: one
            for peer, one in self._publishers.items()
            if peer in roster.origins and one.at_s >= late_s
        }
        present = {roster.members[roster.origins[peer]] for peer in self._publishers}
        self._budgets = {one: left for one, left in self._budgets.items() if one in present}
        self._certified = {one: None for one in self._certified if one[0] >= roster.height}

    def judge(self, message: GossipMessage) -> ValidatedGossip:
        """Return whether a message is passed on, and what it says, its signatures checked."""
        roster = self._roster
        device = roster.origins.get(message.origin) if roster is not None else None
        if roster is None or device is None:
            return IGNORED
        budget = self._budget(roster.members[device])
        cost = len(message.data) + MESSAGE_BYTES
        publisher = self._publishers.get(message.origin) or _Publisher()
        if message.number <= publisher.number - RECENT_MAX or not budget.has(cost):
            return IGNORED
        try:
            found = self._read(message, roster, device)
        except CommonwealError:
            return REFUSED
        if found is None:
            return IGNORED
        content, name = found
        if name in publisher.recent:
            return IGNORED
        budget.spend(cost)
        self._note(message, publisher, name)
        return ValidatedGossip(ValidationResult.ACCEPT, content)

    def _budget(self, member: MemberId) -> TokenBucket:
        return self._budgets.setdefault(
            member, TokenBucket(ORIGIN_BYTES_PER_S, ORIGIN_BYTES_BURST, self._now_s)
        )

    def _note(self, message: GossipMessage, publisher: _Publisher, name: bytes) -> None:
        if len(publisher.recent) >= RECENT_MAX:
            del publisher.recent[next(iter(publisher.recent))]
        publisher.recent[name] = None
        publisher.number = max(publisher.number, message.number)
        publisher.at_s = self._now_s()
        self._publishers[message.origin] = publisher

    def _read(
        self, message: GossipMessage, roster: Roster, device: DeviceKey
    ) -> tuple[object, bytes] | None:
        """Return what a message of a publisher says and what names that; None to ignore it.

        Raises what every node can see to be false.
        """
        if message.topic == topic(roster.community, announce.HEADS):
            return self._heads(message.data, roster)
        if message.topic == topic(roster.community, announce.RULES):
            return self._rule(message.data, roster, device)
        if message.topic == topic(roster.community, announce.SEALS):
            return self._seals(message.data, roster, device)
        return None

    def _heads(self, data: bytes, roster: Roster) -> tuple[Announcement, bytes] | None:
        announcement = Announcement(tuple(announce.read(data)))
        if not all(author in roster.logs for author, _ in announcement.lengths):
            return None
        return announcement, keys.hash32(keys.HELD, data)

    def _rule(self, data: bytes, roster: Roster, device: DeviceKey) -> tuple[Record, bytes] | None:
        record = from_bytes(announce.read_rule(data))
        check_community(record, roster.community)
        if record.author != device or not record.kind.startswith(RULES):
            raise InvalidRecord("a record that its publisher has no cause to publish")
        return (record, record.id) if device in roster.authors else None

    def _seals(
        self, data: bytes, roster: Roster, device: DeviceKey
    ) -> tuple[Vote | HaveFrontier | Certificate, bytes] | None:
        message = gossip_from_bytes(data, roster.community)
        if isinstance(message, Certificate):
            return self._certificate(message, roster)
        if message.device != device:
            raise Malformed("the word of another device than its publisher's")
        ahead = message.height - roster.height
        seated = device in roster.witnesses.get(roster.height + 1, ())
        may_be = device in roster.candidates and (ahead > 1 or isinstance(message, HaveFrontier))
        if not 0 < ahead <= HEIGHTS_AHEAD or not (seated or may_be):
            return None
        if isinstance(message, HaveFrontier):
            if ahead == 1 and message.prev != roster.seal:
                return None
            return message, message.signature
        place = (message.height, message.round, message.step.value, message.seal)
        return message, keys.hash32(keys.HELD, repr(place).encode())

    def _certificate(
        self, certificate: Certificate, roster: Roster
    ) -> tuple[Certificate, bytes] | None:
        """Each of a height is passed on once, whoever publishes it and whoever signed it."""
        place = (certificate.height, bytes(certificate.seal))
        witnesses = roster.witnesses.get(certificate.height)
        is_old = certificate.height == roster.height and certificate.seal == roster.seal
        if witnesses is None or is_old or place in self._certified:
            return None
        try:
            check_certificate(certificate, roster.community, witnesses)
        except InvalidSeal:
            return None  # the forwarder may know another set
        self._certified[place] = None
        return certificate, certificate.seal
