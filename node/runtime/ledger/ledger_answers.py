"""Ledger answers: what the ledger says to one request of the service.

The ledger thread, the simulator and a command that seals alone all answer requests with these
functions. Nothing here waits, and nothing here knows which of them called. What is handed out of
the state is in `storage.consensus.offers`.
"""

from __future__ import annotations

from typing import assert_never

from commonweal.node.service.events import (
    RESTORE_REQUESTS,
    AbandonState,
    AwaitState,
    CheckStateChunk,
    ExtendVote,
    LedgerAnswered,
    ReadStateChunk,
    Request,
    RestoreRequest,
    StateAnswered,
    StateRequest,
)
from commonweal.protocol.errors import Malformed, WrongState
from commonweal.protocol.seal.consensus.events import PrepareProposal, ProcessProposal
from commonweal.storage.consensus.arrivals import note_arrivals
from commonweal.storage.consensus.offers import StateOffers
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.consensus.snapshots import Snapshots


def answer(
    assessor: SealApplication, request: Request | StateRequest, now_ms: int
) -> LedgerAnswered | StateAnswered:
    """Return the answer to a request, by a ledger that was refreshed. now_ms: this node's clock."""
    kept = assessor.kept
    if isinstance(request, ReadStateChunk):
        return chunk_answer(StateOffers(kept.store, kept.layers, kept.community), request, now_ms)
    if isinstance(request, RESTORE_REQUESTS):
        return _stated(Snapshots(kept), request)
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


def chunk_answer(offers: StateOffers, request: ReadStateChunk, now_ms: int) -> StateAnswered:
    """Return the answer to a request for a chunk of our state. now_ms: this node's clock."""
    offer = offers.offer(now_ms)
    if offer is None or request.height not in (0, offer.height):
        return StateAnswered(request, None)
    chunk = offers.chunk(offer.height, request.number)
    return StateAnswered(request, None if chunk is None else (offer, chunk))


def follow_up(assessor: SealApplication) -> bool:
    """Do what waits where a state was taken; return whether to call again soon."""
    return note_arrivals(assessor.kept)


def _stated(snapshots: Snapshots, request: RestoreRequest) -> StateAnswered:
    match request:
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
