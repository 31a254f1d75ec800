"""Solo sealing: the only witness of a community makes a seal without a running node.

The same service agrees with itself, and the same ledger answers it; only waiting for others is
left out. It never connects to a peer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from commonweal.node.control.message_codec import from_map
from commonweal.node.control.messages.control import SealOutcome
from commonweal.node.runtime.ledger.ledger_answers import answer
from commonweal.node.service.events import (
    Action,
    Answer,
    Asked,
    AskLedger,
    Committed,
    Event,
    OutlookChanged,
    Request,
    StateRequest,
    Ticket,
    Woke,
)
from commonweal.node.service.service import Service
from commonweal.protocol.errors import CommonwealError, SealNeedsNode
from commonweal.storage.consensus.proposals import SealApplication

STEPS_MAX = 1_000


class SoloSealing:
    """The agreement of the only witness with itself, height after height.

    The caller holds the lock of the home.
    """

    def __init__(self, service: Service, assessor: SealApplication) -> None:
        self._service, self._assessor = service, assessor
        self._requests: deque[Request | StateRequest] = deque()
        """What the service asked the ledger and was not answered; some is of the next height."""

    def seal(self, now_ms: int) -> SealOutcome:
        """Return the outcome of a request for a seal; what was sealed is durable.

        Raises `SealNeedsNode` when others must agree.
        """
        service, assessor, sealing = self._service, self._assessor, self._service.reactor
        if [seat.device for seat in sealing.witnesses] != [service.core.me.device]:
            raise SealNeedsNode(f"{len(sealing.witnesses)} witnesses")
        waiting: deque[Event] = deque(
            [OutlookChanged(assessor.outlook(now_ms)), Asked(Ticket(0), "seal")],
        )
        for _ in range(STEPS_MAX):
            if not waiting and self._requests:
                waiting.append(OutlookChanged(assessor.outlook(now_ms)))
                waiting.append(answer(assessor, self._requests.popleft(), now_ms))
            elif not waiting:
                now_ms = max(now_ms, sealing.due_ms or now_ms)
                waiting.append(Woke())
            outcome: Mapping[str, Any] | None = None
            for action in _turn(service, waiting.popleft(), now_ms):
                match action:
                    case AskLedger(request):
                        self._requests.append(request)
                    case Answer(_, value, last=True):
                        if isinstance(value, CommonwealError):
                            raise value
                        outcome = value
                    case _:
                        pass
            if outcome is not None:
                return from_map(SealOutcome, outcome)
        raise SealNeedsNode("the ledger made nothing to seal of what waits")


def _turn(service: Service, event: Event, now_ms: int) -> list[Action]:
    store = service.core.replica.store
    actions = service.handle(event, now_ms)
    store.commit()
    actions = actions + service.handle(Committed(), now_ms)
    store.commit()
    return actions
