"""Short ways to make deals between the homes of a community."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from commonweal.client import Member
from commonweal.client.access import wish_of
from commonweal.client.exchange.deals.rows import DealDetails
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.node.service.events import Wish
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import Commons

T = TypeVar("T")

HOURS = ClauseTerms("Bo", "Ana", "work", "2", "hours")
MONEY = ClauseTerms("Ana", "Bo", "transfer", "30", "EUR", in_return=True)
RING = (
    ClauseTerms("Mei", "Bo", "transfer", "5", "kg"),
    ClauseTerms("Bo", "Ana", "work", "2", "hours"),
    ClauseTerms("Ana", "Mei", "deliverService", "1", "hour"),
)


def at(home: Home, act: Callable[[Member], T]) -> T:
    """Do something as the member of a home."""
    with Member(home) as member:
        return act(member)


def did(home: Home, act: str, *named: Any) -> Any:
    """Let the member of a home do what a method of theirs does."""
    with Member(home) as member:
        return getattr(member, act)(*named)


def proposed(lanxi: Commons, *clauses: ClauseTerms, **more: Any) -> RecordId:
    """Let Ana propose a deal to Bo, and all hold it."""
    made = at(lanxi.ana, lambda me: me.propose_deal(clauses or (HOURS, MONEY), **more))
    lanxi.meet()
    return made.id


def agreed(lanxi: Commons, *clauses: ClauseTerms) -> RecordId:
    """Let Ana propose a deal and Bo say yes, and all hold it."""
    id = proposed(lanxi, *clauses)
    at(lanxi.bo, lambda me: me.accept_deal(id))
    lanxi.meet()
    return id


def deal(home: Home, id: RecordId) -> DealDetails:
    """Return a deal as the member of a home reads it."""
    return at(home, lambda me: me.deal(id))


def intent(home: Home, action: str, n: int, unit: str, *, needed: bool = False, **more: Any) -> Any:
    """Write an offer or a need of the member of a home as a bare intent; return its id."""
    me = at(home, lambda me: bytes(me.view.me))
    key = "effortQuantity" if action == "work" else "resourceQuantity"
    data = {"action": action, key: {"n": n, "scale": 0, "unit": unit}, **more}
    data["receiver" if needed else "provider"] = me
    return RecordId(homes.write(home, wish_of("intent", data))[0]["id"])


def write(home: Home, kind: str, data: dict[str, Any], *cited: bytes) -> RecordId:
    """Write a record in the home of a node that does not run; return its id."""
    wish: Wish = wish_of(kind, data, cited)
    return RecordId(homes.write(home, wish)[0]["id"])
