"""Ledger answers: what the ledger says to one request of the service.

The ledger thread, the simulator and a command that seals alone all answer requests with these
functions. Nothing here waits, and nothing here knows which of them called.
"""

from __future__ import annotations

from typing import assert_never

from commonweal.node.service.events import (
    STATE_REQUESTS,
    AbandonState,
    AwaitState,
    CheckStateChunk,
    ExtendVote,
    LedgerAnswered,
    ReadStateChunk,
    Request,
    StateAnswered,
    StateRequest,
)
from commonweal.protocol.errors import Malformed, WrongState
from commonweal.protocol.seal.consensus.events import PrepareProposal, ProcessProposal
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.consensus.snapshots import Snapshots


def answer(
    assessor: SealApplication, request: Request | StateRequest, now_ms: int
) -> LedgerAnswered | StateAnswered:
    """Return the answer to a request, by a ledger that was refreshed. now_ms: this node's clock."""
    if isinstance(request, STATE_REQUESTS):
        return _stated(Snapshots(assessor.kept), request, now_ms)
    seal = assessor.outlook(now_ms).seal
    match request:
        case ExtendVote():
            return LedgerAnswered(request, seal, assessor.shown(now_ms))
        case PrepareProposal(_, haves):
            return LedgerAnswered(request, seal, assessor.build(haves, now_ms))
        case ProcessProposal(proposal):
            return LedgerAnswered(request, seal, assessor.judge(proposal, now_ms))
        case _:
            assert_never(request)


def follow_up(assessor: SealApplication) -> None:
    """Fold the records below a state that was taken over, once all of them have come."""
    Snapshots(assessor.kept).audit()


def _stated(snapshots: Snapshots, request: StateRequest, now_ms: int) -> StateAnswered:
    match request:
        case ReadStateChunk(height, number):
            offer = snapshots.offer(now_ms)
            if offer is None or height not in (0, offer.height):
                return StateAnswered(request, None)
            chunk = snapshots.chunk(offer.height, number)
            return StateAnswered(request, None if chunk is None else (offer, chunk))
        case CheckStateChunk(taken, number, data):
            try:
                return StateAnswered(request, snapshots.take(taken, number, data))
            except (WrongState, Malformed) as error:
                return StateAnswered(request, f"{type(error).__name__}: {error}")
        case AwaitState():
            snapshots.hold()
            return StateAnswered(request, None)
        case AbandonState():
            snapshots.give_up()
            return StateAnswered(request, None)
        case _:
            assert_never(request)
