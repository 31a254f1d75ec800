"""Events and actions of the agreement on a height. What they cause is decided in `agreement`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import Proposal, Seal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.votes import Certificate, DoubleVote, SealId, Vote

Message: TypeAlias = Vote | Proposal | HaveFrontier | Certificate
"""What witnesses send each other; read from bytes, so signatures are valid."""


class Alarm(Enum):
    """The purpose of a timeout."""

    PROPOSE = 0
    PREVOTE = 1
    PRECOMMIT = 2
    GATHER = 3
    REPEAT = 4


@dataclass(frozen=True, slots=True)
class Timeout:
    """A timeout of a round; GATHER and REPEAT belong to the height and have round 0."""

    alarm: Alarm
    round: int


@dataclass(frozen=True, slots=True)
class ProposalVerdict:
    """The ledger's verdict on a proposal.

    sound: what every node finds alike: the cut is closed and extends the last one, every root is
    right. timely: time and fairness as this witness sees them; ignored unless the proposal is
    fresh. missing: ids that must be fetched before the proposal can be validated. reason: why it
    was refused, for readers.
    """

    sound: bool
    timely: bool = True
    reason: str = ""
    missing: tuple[bytes, ...] = ()


VALID_PROPOSAL = ProposalVerdict(sound=True)


# Events.


@dataclass(frozen=True, slots=True)
class HeightStarted:
    """The height starts, or continues after a crash.

    have: the have-frontier of this device, when it is a witness or a candidate.
    """

    have: HaveFrontier | None = None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message arrived, with valid signatures; those of a certificate are not checked yet."""

    message: Message


@dataclass(frozen=True, slots=True)
class ProposalPrepared:
    """The answer to `PrepareProposal`: the seal to propose."""

    round: int
    seal: Seal
    delta: Delta


@dataclass(frozen=True, slots=True)
class NothingPrepared:
    """The answer to `PrepareProposal` of a ledger that has nothing to seal, or not yet."""

    round: int


@dataclass(frozen=True, slots=True)
class ProposalProcessed:
    """The answer to `ProcessProposal`: at any later time, and again when missing data has come."""

    round: int
    seal: SealId
    verdict: ProposalVerdict


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A timeout of `Schedule` expired."""

    timeout: Timeout


Event: TypeAlias = (
    HeightStarted
    | MessageReceived
    | ProposalPrepared
    | NothingPrepared
    | ProposalProcessed
    | TimedOut
)


# Actions, to be performed in order.


@dataclass(frozen=True, slots=True)
class Lock:
    """The locked value of a witness: a proposal, and prevotes of a quorum for its seal."""

    proposal: Proposal
    polka: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A seal that this witness's ledger built, or found good, and that no quorum voted for.

    haves: the have-frontiers for which it was built, which a proposal of it carries.
    """

    seal: Seal
    delta: Delta
    haves: tuple[HaveFrontier, ...]


@dataclass(frozen=True, slots=True)
class Persist:
    """Store our vote, with the lock of a precommit, before any later action is performed."""

    vote: Vote
    lock: Lock | None = None


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send to all witnesses."""

    message: Message


@dataclass(frozen=True, slots=True)
class Schedule:
    """Send `TimedOut` at `at_ms`."""

    at_ms: int
    timeout: Timeout


@dataclass(frozen=True, slots=True)
class PrepareProposal:
    """Build a seal and a cut that is fair to `haves` (ABCI++).

    Answer with `ProposalPrepared` or `NothingPrepared`, at any later time: a seal that is built
    when its round is over is proposed at the next turn.
    """

    round: int
    haves: tuple[HaveFrontier, ...]


@dataclass(frozen=True, slots=True)
class ProcessProposal:
    """Validate a proposal; answer with `ProposalProcessed` (ABCI++)."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask peers for a proposal, or with `missing` for what the ledger needs to validate it.

    seal: of the proposal that is not here; empty for any proposal of `round`.
    """

    round: int
    seal: SealId
    missing: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Decide:
    """The height is sealed. proposal: None when it is not here yet."""

    certificate: Certificate
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class ReportDoubleVote:
    """A device voted twice; the proof becomes evidence."""

    proof: DoubleVote


@dataclass(frozen=True, slots=True)
class ReportFork:
    """Two seals of this height are certified: keep the first, stop sealing, show both."""

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
