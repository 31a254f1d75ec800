"""Seal requests: members of this node that wait for a seal, and what each of them is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonweal.node.service.core import Core
from commonweal.node.service.events import Answer, Ticket
from commonweal.protocol.errors import CommonwealError, UsageError

ASKS_MAX = 64
TELL_AGAIN_MS = 5_000
"""How often a waiting member is told again, though nothing changed, that the node works."""


@dataclass(slots=True)
class _SealRequest:
    """A member waits for the seal after `height`. told: the last answer, None for none yet."""

    height: int
    told: tuple[object, ...] | None = None


class SealRequests:
    """The requests for a seal that wait."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._asks: dict[Ticket, _SealRequest] = {}

    def add(self, ticket: Ticket, height: int) -> bool:
        """Let a caller wait for the seal after `height`; say whether there was room."""
        if len(self._asks) >= ASKS_MAX:
            self.refuse(ticket, UsageError("too many wait for a seal on this node"))
            return False
        self._asks[ticket] = _SealRequest(height)
        return True

    def refuse(self, ticket: Ticket, why: CommonwealError) -> None:
        """Tell a caller that there will be no seal."""
        self.core.do(Answer(ticket, why))

    def forget(self, ticket: Ticket) -> None:
        """Forget a caller that is gone."""
        self._asks.pop(ticket, None)

    def has_new(self) -> bool:
        """Say whether a caller waits that was told nothing yet."""
        return any(ask.told is None for ask in self._asks.values())

    def nothing_waits(self, height: int) -> None:
        """Tell the new ones that nothing is to be sealed."""
        for ticket in [ticket for ticket, ask in self._asks.items() if ask.told is None]:
            del self._asks[ticket]
            self.core.do(Answer(ticket, {"height": height, "is_sealed": False}))

    def tell(self, height: int, about: Mapping[str, Any] | None) -> None:
        """Tell each caller that it is sealed, or what it waits for. about: None for nothing new."""
        for ticket, ask in list(self._asks.items()):
            if height > ask.height:
                del self._asks[ticket]
                self.core.do(Answer(ticket, {"height": height, "is_sealed": True}))
            elif about is not None:
                told = (*about.values(), self.core.now_ms // TELL_AGAIN_MS)
                if told != ask.told:
                    ask.told = told
                    self.core.do(Answer(ticket, about, last=False))
