"""Solo sealing: the only witness of a community makes a seal without a running node.

The same service agrees with itself, and the same ledger answers it; only waiting for others is
left out. It never connects to a peer.
"""

from __future__ import annotations

from collections import deque

from commonweal.node.control.message_codec import from_map
from commonweal.node.control.messages import SealOutcome
from commonweal.node.runtime.ledger.ledger_answers import answer
from commonweal.node.service.events import (
    Action,
    Answer,
    Asked,
    AskLedger,
    Committed,
    Event,
    OutlookChanged,
    Ticket,
    Woke,
)
from commonweal.node.service.service import Service
from commonweal.protocol.errors import CommonwealError, SealNeedsNode
from commonweal.storage.consensus.proposals import SealApplication

STEPS_MAX = 1_000


def seal_alone(service: Service, assessor: SealApplication, now_ms: int) -> SealOutcome:
    """Return the outcome of a request for a seal; what was sealed is durable.

    The caller holds the lock of the home. Raises `SealNeedsNode` when others must agree.
    """
    sealing = service.reactor
    if [seat.device for seat in sealing.witnesses] != [service.core.me.device]:
        raise SealNeedsNode(f"{len(sealing.witnesses)} witnesses")
    waiting: deque[Event] = deque(
        [OutlookChanged(assessor.outlook(now_ms)), Asked(Ticket(0), "seal")],
    )
    for _ in range(STEPS_MAX):
        if not waiting:
            now_ms = max(now_ms, sealing.due_ms or now_ms)
            waiting.append(Woke())
        for action in _turn(service, waiting.popleft(), now_ms):
            match action:
                case AskLedger(request):
                    waiting.append(OutlookChanged(assessor.outlook(now_ms)))
                    waiting.append(answer(assessor, request, now_ms))
                case Answer(_, value, last=True):
                    if isinstance(value, CommonwealError):
                        raise value
                    return from_map(SealOutcome, value)
                case _:
                    pass
    raise SealNeedsNode("the ledger made nothing to seal of what waits")


def _turn(service: Service, event: Event, now_ms: int) -> list[Action]:
    store = service.core.replica.store
    actions = service.handle(event, now_ms)
    store.commit()
    actions = actions + service.handle(Committed(), now_ms)
    store.commit()
    return actions
