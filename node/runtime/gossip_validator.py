"""The gossip validator: decides which gossip messages a node takes in and passes on.

A message is accepted when its publisher is a member's node, its content is that member's or
certified by a quorum, it is not known to be old, it did not come before, and it fits what one
member may publish. The validator reads no disk and never waits: it knows the roster that the
service made. What only the roster contradicts is ignored, since the forwarder may have another
roster; what every node can see to be false is rejected, and counts against the forwarder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from commonweal.node.service.replica.roster import Roster
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
"""What one member may publish, from all devices together; more is not passed on."""
MESSAGE_BYTES = 4 * 1024
"""Added to the size of each message: taking one in costs some 7 ms in libp2p."""
OVERTAKING_MAX = 64
"""Messages of one publisher that may overtake each other."""
CONTENTS_MAX = 16
"""Contents remembered for each publisher; who repeats more in turn spends their budget."""
IDLE_S = 600.0
"""A publisher that is silent this long is forgotten."""
HEIGHTS_AHEAD = 2
"""Votes for the next height and the one after it: others may have sealed a moment earlier."""
RULES = "rules."
"""Prefix of the kinds of records that travel by gossip."""

IGNORED = ValidatedGossip(ValidationResult.IGNORE)
REFUSED = ValidatedGossip(ValidationResult.REJECT)


@dataclass(slots=True)
class _Publisher:
    """What is remembered of one publishing node. number: the highest of its messages."""

    number: int = 0
    at_s: float = 0.0
    recent: dict[bytes, None] = field(default_factory=dict)


class Validator:
    """Judges each message once, by the last roster; ignores all before the first roster."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """now_s: any clock that does not go back."""
        self._now_s = now_s
        self._roster: Roster | None = None
        self._publishers: dict[PeerKey, _Publisher] = {}
        self._budgets: dict[MemberId, TokenBucket] = {}
        self._certified: dict[tuple[int, bytes], None] = {}

    def recognise(self, roster: Roster) -> None:
        """Judge by this roster from now on; forget publishers that left or are long silent."""
        self._roster = roster
        late_s = self._now_s() - IDLE_S
        self._publishers = {
            peer: publisher
            for peer, publisher in self._publishers.items()
            if peer in roster.origins and publisher.at_s >= late_s
        }
        present = {roster.members[roster.origins[peer]] for peer in self._publishers}
        self._budgets = {
            member: bucket for member, bucket in self._budgets.items() if member in present
        }
        self._certified = {place: None for place in self._certified if place[0] >= roster.height}

    def judge(self, message: GossipMessage) -> ValidatedGossip:
        """Return whether a message is passed on, and what it says, its signatures checked."""
        roster = self._roster
        device = roster.origins.get(message.origin) if roster is not None else None
        if roster is None or device is None:
            return IGNORED
        budget = self._budget(roster.members[device])
        cost = len(message.data) + MESSAGE_BYTES
        publisher = self._publishers.get(message.origin) or _Publisher()
        if message.number <= publisher.number - OVERTAKING_MAX or not budget.has(cost):
            return IGNORED
        try:
            result = self._read(message, roster, device)
        except CommonwealError:
            return REFUSED
        if result is None:
            return IGNORED
        content, name = result
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
        if len(publisher.recent) >= CONTENTS_MAX:
            del publisher.recent[next(iter(publisher.recent))]
        publisher.recent[name] = None
        publisher.number = max(publisher.number, message.number)
        publisher.at_s = self._now_s()
        self._publishers[message.origin] = publisher

    def _read(
        self, message: GossipMessage, roster: Roster, device: DeviceKey
    ) -> tuple[object, bytes] | None:
        """Return the content of a message and its name; None to ignore the message.

        Raises when every node can see that it is false.
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
        """Return a certificate when its seal comes first, whoever published or signed it."""
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
