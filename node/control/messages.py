"""The local API: every question that a command may ask its running node, and every answer.

Questions of one connection are answered one after the other. Command and node are of the same
version, that of the home's software, so the API has no version of its own. How these values
become bytes is in message_codec.py.

Keys and ids are raw bytes, times are milliseconds since 1970. Every question may be answered by
Malformed (a field is missing, unknown or of another type), UsageError (the node is too busy for
another one) or a StorageError (the disk refused); the client itself raises NotReachable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar, get_args

if TYPE_CHECKING:
    from commonweal.node.service.events import OnceKey, Wish

A = TypeVar("A")


class Question(Generic[A]):
    """What a command asks. NAME is on the wire; ANSWER is the last answer, PROGRESS any before."""

    __slots__ = ()
    NAME: ClassVar[str]
    ANSWER: ClassVar[type]
    PROGRESS: ClassVar[type | None] = None


# What the node is, and which peers it is connected with.


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
    refusal: code and text of a member's node that refused us, or None.
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


# Records: writing them, and who holds them.


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record that was written. seq: its place in the log of this device."""

    id: bytes
    seq: int


@dataclass(frozen=True, slots=True)
class NewRecords:
    """The records of a submission, in order, once they are durable on this node."""

    records: tuple[NewRecord, ...]


@dataclass(frozen=True, slots=True)
class Submit(Question[NewRecords]):
    """Write these records, all or none: 1 to DRAFTS_MAX of them.

    once: under this key they are written once; made again, the answer is the same. Raises what
    refuses them: OverBudget, NotPermitted, OlderCopy, KeyTaken and other CommonwealErrors.
    """

    NAME = "submit"
    ANSWER = NewRecords
    wishes: tuple[Wish, ...]
    once: OnceKey | None = None


@dataclass(frozen=True, slots=True)
class RecordHolders:
    """Who holds a record.

    holders: the device of each connected member whose node holds it, None where no device is
    proven. connected: how many members are connected.
    """

    holders: tuple[bytes | None, ...]
    connected: int


@dataclass(frozen=True, slots=True)
class Holders(Question[RecordHolders]):
    """Which connected members hold the record `id`? Raises InvalidRecord: it is not held here."""

    NAME = "holders"
    ANSWER = RecordHolders
    id: bytes


@dataclass(frozen=True, slots=True)
class HolderCounts:
    """How many connected members hold each record, as asked, and how many are connected.

    held_by: None for a place that this node holds no record of.
    """

    held_by: tuple[int | None, ...]
    connected: int


@dataclass(frozen=True, slots=True)
class CountHolders(Question[HolderCounts]):
    """How many connected members hold each of these records, PLACES_ASKED_MAX at most?

    places: author and seq of each record.
    """

    NAME = "count-holders"
    ANSWER = HolderCounts
    places: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class HeldBy:
    """How many connected members hold all the records, and how many were asked for."""

    held_by: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Wait(Question[HeldBy]):
    """Wait until `peers` connected members hold the records `ids`; tell each change of the number.

    Raises InvalidRecord: one of them is not held here.
    """

    NAME = "wait"
    ANSWER = HeldBy
    PROGRESS = HeldBy
    ids: tuple[bytes, ...]
    peers: int


# Peers, seals, and the node itself.


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing to tell: it is done."""


@dataclass(frozen=True, slots=True)
class Meet(Question[Done]):
    """Look for the nodes that an invite link names. Raises BadLink: also of another community."""

    NAME = "meet"
    ANSWER = Done
    link: str


@dataclass(frozen=True, slots=True)
class HoldCode(Question[Done]):
    """Give this link to who knows the keys of a join code, until a time and while the node runs.

    ask, answer: 32 bytes each. Raises BadLink.
    """

    NAME = "hold-code"
    ANSWER = Done
    ask: bytes
    answer: bytes
    link: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class SealProgress:
    """What a seal waits for.

    height: of the last seal. missing: (device, member) of witnesses not heard of late. witnesses:
    how many there are; needed: how many of them make a seal.
    """

    height: int
    round: int
    missing: tuple[tuple[bytes, bytes], ...]
    witnesses: int
    needed: int


@dataclass(frozen=True, slots=True)
class SealOutcome:
    """height: of the last seal. is_sealed: False when nothing was there to be sealed."""

    height: int
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class SealNow(Question[SealOutcome | SealProgress]):
    """Seal what waits; tell what it waits for until it is sealed or nothing is left to seal.

    Raises FinalityForked: two seals of one height are certified.
    """

    NAME = "seal"
    ANSWER = SealOutcome
    PROGRESS = SealProgress


@dataclass(frozen=True, slots=True)
class Ending:
    """The process that ends now."""

    pid: int


@dataclass(frozen=True, slots=True)
class Stop(Question[Ending]):
    """End the node in order."""

    NAME = "stop"
    ANSWER = Ending


AnyQuestion: TypeAlias = (
    Status
    | Peers
    | Health
    | Submit
    | Holders
    | CountHolders
    | Wait
    | Meet
    | HoldCode
    | SealNow
    | Stop
)
QUESTIONS: Mapping[str, type[AnyQuestion]] = MappingProxyType(
    {kind.NAME: kind for kind in get_args(AnyQuestion)}
)
"""Every question by its name on the wire; the server serves these and no others."""
