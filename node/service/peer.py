"""What all parts of the service share about one connected peer, and who this node is.

A part keeps what it alone needs in a dict of its own, by `PeerKey`, and forgets it in `left`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from commonweal.node.transport import TrustLevel
from commonweal.protocol import keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey, Signer
from commonweal.protocol.wire import hello

LOGS_NAMED_MAX = 65_536
"""Logs of which one peer may hold another number of records than this node."""


@dataclass(slots=True)
class Identity:
    """The keys of this node: the device signs records, the host its links."""

    signer: Signer
    host: Signer

    @property
    def device(self) -> DeviceKey:
        """The device, as author of its log."""
        return DeviceKey(self.signer.key)

    @property
    def peer(self) -> PeerKey:
        """The host, as the other end of a link knows it."""
        return PeerKey(self.host.key)

    @classmethod
    def of(cls, device_seed: bytes) -> Identity:
        """Return the identity that follows from the seed of a device."""
        return cls(keys.device_signer(device_seed), keys.peer_signer(device_seed))


@dataclass(slots=True)
class PeerState:
    """One connected peer, as far as several parts of the service use it.

    height: the height of its last seal, as it says. news_ms: when it last brought records that
    were not held here. theirs: lengths of the logs of which the peer holds another number of
    records; a log that is not named had our length at the last commit. sent: lengths that were
    sent and that the peer has not confirmed.
    """

    key: PeerKey
    address: str
    outbound: bool
    since_ms: int
    heard_ms: int
    trust: TrustLevel = TrustLevel.STRANGER
    device: DeviceKey | None = None
    """The device that was enrolled with this peer key; never one that the peer only claims."""
    member: MemberId | None = None
    """The member of an admitted device; None where only our own link names the peer."""
    skew_ms: int = 0
    """How far its clock is ahead of ours."""
    compared: bool = False
    """Whether frontiers were compared with this peer."""
    versions: tuple[int, ...] = ()
    """The versions that it speaks, as its hello says."""
    height: int = 0
    news_ms: int = 0
    theirs: dict[DeviceKey, int] = field(default_factory=dict)
    sent: dict[DeviceKey, int] = field(default_factory=dict)

    @property
    def follows_seals(self) -> bool:
        """Whether it takes messages about seals."""
        return hello.SEALS_VERSION in self.versions

    @property
    def gives_records(self) -> bool:
        """Whether it answers `WantRecord`."""
        return hello.LOOKUP_VERSION in self.versions

    @property
    def is_light(self) -> bool:
        """Whether its home is light: it holds the ends of logs, and counts as no holder."""
        return hello.LIGHT_HOME in self.versions

    @property
    def is_member(self) -> bool:
        """Whether the peer proved that it is a member's node."""
        return self.trust is TrustLevel.MEMBER

    def has(self, author: DeviceKey, ours: int) -> int:
        """Return how many records of a log the peer holds or was sent.

        ours: the length here, which counts for a log that the peer does not name.
        """
        return max(self.theirs.get(author, ours), self.sent.get(author, 0))

    def confirm(self, author: DeviceKey, length: int, ours: int) -> None:
        """Note that the peer holds `length` records of a log of which this node holds `ours`.

        Raises `Malformed` when the peer names more than LOGS_NAMED_MAX logs.
        """
        if length == ours:
            self.theirs.pop(author, None)
        elif author not in self.theirs and len(self.theirs) >= LOGS_NAMED_MAX:
            raise Malformed(f"names more than {LOGS_NAMED_MAX} logs that are not here")
        else:
            self.theirs[author] = length
        if self.sent.get(author, 0) <= length:
            self.sent.pop(author, None)


class PeerPart(Protocol):
    """A part of the service that keeps something of each connected peer."""

    def left(self, key: PeerKey) -> None:
        """Forget what is kept about a peer whose link ended."""
