"""Events and actions of the service: what a node is told, and what it asks the driver for.

Events of the network are in `transport`; the others are here. The driver performs an action only
after the batch of events that caused it is committed to disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NewType, TypeAlias

from commonweal.node.transport import TransportEvent
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import NO_ID, RecordId
from commonweal.protocol.seal.consensus.events import PrepareProposal, ProcessProposal
from commonweal.protocol.seal.votes import SealId

if TYPE_CHECKING:
    from commonweal.node.service.replica.roster import Roster
    from commonweal.protocol.seal.cut import SealedLog
    from commonweal.storage.consensus.offers import Offer
    from commonweal.storage.consensus.proposals import PreparedProposal, ProcessedProposal
    from commonweal.storage.consensus.snapshots import SnapshotProgress
    from commonweal.storage.consensus.view import ConsensusView

Ticket = NewType("Ticket", int)
"""Names one request of the local API until it is answered."""

DRAFTS_MAX = 1_000
"""Records that one `Submitted` may ask for."""
PLACES_ASKED_MAX = 200
"""Records of which one question may ask how many members hold them."""


@dataclass(frozen=True, slots=True)
class Started:
    """The node begins to run."""


@dataclass(frozen=True, slots=True)
class Text:
    """A body to be written: erasable text or file, a permanent document, or a sealed body.

    sealed: `content` is the bytes of a sealed body, as they are written. Only the node itself
    writes one; no request of the local API does.
    salt: of an erasable body whose hash was promised before; empty for a new one.
    """

    media_type: str
    content: bytes
    permanent: bool = False
    sealed: bool = False
    salt: bytes = b""


@dataclass(frozen=True, slots=True)
class Wish:
    """A record that our member wants written.

    basis: the last seal that was folded where `deps` was chosen: what it covers is not cited.
    Empty, or earlier than what the node folded: the record names the latter. stand_in: the id by
    which later records of one request name this one in their data; its own is not known before it
    is signed. Empty where none does. secret: what only this home keeps of a review, until it is
    opened.
    """

    kind: str
    data: Mapping[str, Value]
    deps: tuple[RecordId, ...] = ()
    text: Text | None = None
    basis: RecordId = NO_ID
    stand_in: RecordId = NO_ID
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class OnceKey:
    """By what a request is known when it is made again, so that its records are written once.

    key: hash of what its maker chose. request: hash of what is asked. 32 bytes each.
    """

    key: bytes
    request: bytes


@dataclass(frozen=True, slots=True)
class Submitted:
    """Our own member wants records in the ledger; all are written, or none.

    once: with a key under which records were written before, those are the answer.
    """

    ticket: Ticket
    wishes: tuple[Wish, ...]
    once: OnceKey | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The local API asks something that only the running node knows."""

    ticket: Ticket
    question: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExtendVote:
    """Asks what goes beyond the last cut, for this device's have-frontier."""


Request: TypeAlias = ExtendVote | PrepareProposal | ProcessProposal
"""What the height driver asks the ledger, which may take a while to answer."""


@dataclass(frozen=True, slots=True)
class ReadStateChunk:
    """Asks for a chunk of the final state, to hand it out. height: 0 for any."""

    height: int
    number: int


@dataclass(frozen=True, slots=True)
class CheckStateChunk:
    """Asks that a chunk of a state which is being taken from others be checked and kept."""

    offer: Offer
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AwaitState:
    """Asks that records be folded only when a state was taken, or that was given up."""


@dataclass(frozen=True, slots=True)
class AbandonState:
    """Asks that what was taken of a state be forgotten, and the records be folded instead."""


RestoreRequest: TypeAlias = AwaitState | CheckStateChunk | AbandonState
RESTORE_REQUESTS = (AwaitState, CheckStateChunk, AbandonState)
"""What is answered before anything is folded."""

StateRequest: TypeAlias = ReadStateChunk | RestoreRequest
STATE_REQUESTS = (ReadStateChunk, *RESTORE_REQUESTS)


@dataclass(frozen=True, slots=True)
class StateAnswered:
    """The answer to a `StateRequest`.

    To Portion the offer and its chunk, or None; to Take what is next, or why the chunk is
    refused, in words; to the others None.
    """

    request: StateRequest
    answer: tuple[Offer, bytes] | SnapshotProgress | str | None


@dataclass(frozen=True, slots=True)
class LedgerAnswered:
    """The answer to an `AskLedger`: to Show the logs, to Build a draft or None, to Judge a finding.

    seal: where the ledger stood; an answer from elsewhere than the end of the chain is
    asked for again.
    """

    request: Request
    seal: SealId
    answer: tuple[SealedLog, ...] | PreparedProposal | ProcessedProposal | None


@dataclass(frozen=True, slots=True)
class OutlookChanged:
    """What the ledger says of seals, as far as it is folded."""

    outlook: ConsensusView


@dataclass(frozen=True, slots=True)
class ReleaseDue:
    """The ledger says that content is to be handed over for a use of this member's data.

    of: in how many parts. bodies: (number, sealed body) of those that are due, ascending. seal: the
    last one that was folded, which covers the use.
    """

    use: RecordId
    of: int
    bodies: tuple[tuple[int, bytes], ...]
    seal: RecordId


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The caller with this ticket is gone."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Woke:
    """The time that we asked for with `Wake` came."""


@dataclass(frozen=True, slots=True)
class Committed:
    """Everything that earlier events changed is durable."""


Event: TypeAlias = (
    TransportEvent
    | Started
    | Submitted
    | Asked
    | LedgerAnswered
    | StateAnswered
    | OutlookChanged
    | ReleaseDue
    | Forgotten
    | Woke
    | Committed
)


@dataclass(frozen=True, slots=True)
class Send:
    """Send `frame` to `peer`; never waits."""

    peer: PeerKey
    frame: bytes


@dataclass(frozen=True, slots=True)
class Publish:
    """Gossip `data` to everybody on `topic`."""

    topic: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Listen to gossip on these topics."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetRoster:
    """Take in and pass on gossip by this roster from now on."""

    roster: Roster


@dataclass(frozen=True, slots=True)
class Dial:
    """Try to reach `peer` at these multiaddrs."""

    peer: PeerKey
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admit:
    """`peer` proved that it is a member's: lift the limits of strangers."""

    peer: PeerKey


@dataclass(frozen=True, slots=True)
class AdmitGuest:
    """`peer` holds an invite: let it stay, with a guest's limits."""

    peer: PeerKey


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the link to `peer`."""

    peer: PeerKey
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame of `size` bytes from `peer` was taken in; it counts no more."""

    peer: PeerKey
    size: int


@dataclass(frozen=True, slots=True)
class Wake:
    """Come back with `Woke` at `at_ms`; replaces an earlier wish."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class AskLedger:
    """Ask the ledger; `LedgerAnswered` or `StateAnswered` comes when it has answered."""

    request: Request | StateRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request of the local API; `last` closes the ticket."""

    ticket: Ticket
    value: Mapping[str, Any] | CommonwealError
    last: bool = True


Action: TypeAlias = (
    Send
    | Publish
    | Subscribe
    | SetRoster
    | Dial
    | Admit
    | AdmitGuest
    | Drop
    | Taken
    | Wake
    | AskLedger
    | Answer
)
