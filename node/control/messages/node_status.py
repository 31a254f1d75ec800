"""How the node stands, which peers it knows, and the figures of a monitor."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.node.control.messages.question import Question


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A node of somebody else: connected, or known by the address book and not reached.

    device, member: None while nothing proves them. standing: "stranger", "guest" or "member" of
    a connected peer, else "absent". dropped: why this node last closed a connection to it.
    ended: why the last connection ended. Of a connected peer: behind and ahead are records that
    it lacks of ours and we lack of it; up_to_date: the logs were compared and nothing is missing
    here; skew_ms: its clock minus ours; since_ms: when it connected. Of an absent one: failure
    says why the last dial failed.
    """

    peer: bytes
    device: bytes | None
    member: bytes | None
    address: str
    standing: str
    dropped: str | None
    ended: str | None
    behind: int | None = None
    ahead: int | None = None
    up_to_date: bool | None = None
    skew_ms: int | None = None
    since_ms: int | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class SealingStatus:
    """How sealing stands.

    height, seal, time_ms: of the last seal; 0 and b"" before the first. round: of the height that
    is agreed on now. witnesses, missing: (device, member) of the next seal, and of these the ones
    not heard of late. unsealed: records that the next cut can cover; None while the ledger is
    folded. waits_ms: how long something waits for the next seal. alarm: why this ledger differs
    from the seals; "" when it does not. forked: the height with two certified seals, or None.
    """

    height: int
    seal: bytes
    time_ms: int
    round: int
    is_open: bool
    witnesses: tuple[tuple[bytes, bytes], ...]
    missing: tuple[tuple[bytes, bytes], ...]
    is_witness: bool
    unsealed: int | None
    waits_ms: int
    alarm: str
    forked: int | None


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How the node stands.

    member: whose device this is; None before admission. digest: of the whole frontier, equal on
    two nodes that hold the same. state: "member", "waiting-for-admission", "awaiting-restore",
    "frozen", "left", "removed" or "revoked". writable: False while the disk refuses changes.
    damaged: stored records that the disk changed and that are not repaired yet. room: records,
    bytes, documents and texts that others still keep of this device before the next seal.
    behind: most records that a connected member has and this node lacks. listening: multiaddrs.
    refusal: code and text of a member's node that refused us, or None. light: of how many heights
    a light home keeps all records; None in a full home. keepers: how many members are known to keep
    the whole ledger now: witnesses, and those that are connected; keepers_needed: how many must, at
    least, so that no record is lost while witnesses lie.
    """

    community: bytes
    device: bytes
    member: bytes | None
    records: int
    logs: int
    digest: bytes
    state: str
    writable: bool
    damaged: int
    room: tuple[int, ...]
    behind: int
    listening: tuple[str, ...]
    refusal: tuple[str, str] | None
    peers: tuple[PeerStatus, ...]
    sealing: SealingStatus
    light: int | None
    keepers: int
    keepers_needed: int


@dataclass(frozen=True, slots=True)
class Status(Question[NodeStatus]):
    """How does the node stand?"""

    NAME = "status"
    ANSWER = NodeStatus


@dataclass(frozen=True, slots=True)
class PeerList:
    """The connected peers first, then those that are not reached."""

    peers: tuple[PeerStatus, ...]


@dataclass(frozen=True, slots=True)
class Peers(Question[PeerList]):
    """Which nodes of others are connected or known?"""

    NAME = "peers"
    ANSWER = PeerList


@dataclass(frozen=True, slots=True)
class HealthFigures:
    """The figures by which a monitor judges the node; flags are 0 or 1, as in /metrics."""

    healthy: int
    writable: int
    damaged: int
    records: int
    logs: int
    members_connected: int
    peers_known: int
    behind: int
    height: int
    rounds: int
    witnesses: int
    witnesses_missing: int
    seal_waits_seconds: int
    finality_forked: int
    ledger_alarm: int


@dataclass(frozen=True, slots=True)
class Health(Question[HealthFigures]):
    """Is the node healthy?"""

    NAME = "health"
    ANSWER = HealthFigures
