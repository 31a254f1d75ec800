"""What the agreement of a height is told, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import Proposal, Seal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.votes import Certificate, DoubleVote, SealId, Vote

Message: TypeAlias = Vote | Proposal | HaveFrontier | Certificate
"""What witnesses send each other; read from bytes, so with good signatures."""


class Alarm(Enum):
    """What a timeout is for."""

    PROPOSE = 0
    PREVOTE = 1
    PRECOMMIT = 2
    GATHER = 3
    REPEAT = 4


@dataclass(frozen=True, slots=True)
class Timeout:
    """A timeout of a round; GATHER and REPEAT are of the height and name round 0."""

    alarm: Alarm
    round: int


@dataclass(frozen=True, slots=True)
class ProposalVerdict:
    """What the ledger says of a proposal.

    sound: what every node finds alike: the cut is closed and extends the last, every root
    is right. timely: time and fairness, by this witness's own lights; of no matter unless
    the proposal is fresh. missing: what is not here and must be fetched before anything
    can be said. reason: why not, for the reader.
    """

    sound: bool
    timely: bool = True
    reason: str = ""
    missing: tuple[bytes, ...] = ()


VALID_PROPOSAL = ProposalVerdict(sound=True)


# What comes in.


@dataclass(frozen=True, slots=True)
class HeightStarted:
    """The height starts, or goes on after a crash.

    have: that of this device, when it is a witness or a candidate.
    """

    have: HaveFrontier | None = None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message came, with good signatures; of a certificate they are still to be checked."""

    message: Message


@dataclass(frozen=True, slots=True)
class ProposalPrepared:
    """The answer to `PrepareProposal`: what we propose."""

    round: int
    seal: Seal
    delta: Delta


@dataclass(frozen=True, slots=True)
class ProposalProcessed:
    """The answer to `ProcessProposal`: at any later time, and again when missing data has come."""

    round: int
    seal: SealId
    verdict: ProposalVerdict


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A `Schedule` is due."""

    timeout: Timeout


Event: TypeAlias = HeightStarted | MessageReceived | ProposalPrepared | ProposalProcessed | TimedOut


# What goes out, to be done in this order.


@dataclass(frozen=True, slots=True)
class Lock:
    """What a witness holds to: a proposal, and the prevotes of a quorum for its seal."""

    proposal: Proposal
    polka: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Persist:
    """Store our vote, and the lock that goes with it, before anything after it is done."""

    vote: Vote
    lock: Lock | None = None


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send to all witnesses."""

    message: Message


@dataclass(frozen=True, slots=True)
class Schedule:
    """Say `TimedOut` at this time."""

    at_ms: int
    timeout: Timeout


@dataclass(frozen=True, slots=True)
class PrepareProposal:
    """Make a seal and its cut, fair to `haves`, and answer with `ProposalPrepared`."""

    round: int
    haves: tuple[HaveFrontier, ...]


@dataclass(frozen=True, slots=True)
class ProcessProposal:
    """Judge a proposal and answer with `ProposalProcessed`."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask peers for what lacks.

    seal: of which the proposal is not here, empty for whichever was made in `round`; or,
    with `missing`, what the ledger lacks to judge it.
    """

    round: int
    seal: SealId
    missing: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Decide:
    """The height is sealed. proposal: None when its content is not here yet."""

    certificate: Certificate
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class ReportDoubleVote:
    """A device voted twice; the proof goes to evidence."""

    proof: DoubleVote


@dataclass(frozen=True, slots=True)
class ReportFork:
    """Two certified seals at this height: keep the first, stop sealing, show both."""

    first: Certificate
    second: Certificate


Action: TypeAlias = (
    Persist
    | Broadcast
    | Schedule
    | PrepareProposal
    | ProcessProposal
    | Fetch
    | Decide
    | ReportDoubleVote
    | ReportFork
)
