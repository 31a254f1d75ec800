"""Short ways to write on a simulated node how a thing is lent, booked and handed on."""

from __future__ import annotations

from commonweal.protocol.codec import Value
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import final, member, write
from tests.sim.exchange.trade import propose
from tests.sim.world.agenda import START_MS
from tests.sim.world.node import Node

HOUR_MS = 3_600_000
ONE: dict[str, Value] = {"resourceQuantity": {"n": 1, "scale": 0, "unit": "one"}}


def hour(number: int) -> int:
    """Return the time (ms) so many hours after the simulation begins."""
    return START_MS + number * HOUR_MS


def bike(node: Node, owner: bytes | None = None, name: str = "bike", **terms: Value) -> RecordId:
    """Let a member have a bike, or write one down for the community, and say how it is lent."""
    spec = write(node, "spec.resource", {"name": name, "unit": "one"})
    data: dict[str, Value] = {"action": "raise", "provider": member(node), **ONE}
    data |= {"resourceConformsTo": spec, "newInventoriedResource": {}}
    if owner is not None:
        data["receiver"] = owner
    thing = write(node, "event", data)
    write(node, "resource.terms", {"resource": thing, "accepts": "ask", **terms})
    return thing


def booking(
    by: Node, thing: bytes, lender: bytes, borrower: Node, begin: int, end: int
) -> RecordId:
    """Let a member write the clause by which one borrows a thing for some hours."""
    data: dict[str, Value] = {
        "action": "transferCustody",
        "provider": lender,
        "clause": True,
        **ONE,
    }
    data |= {"receiver": member(borrower), "resourceInventoriedAs": thing}
    data |= {"hasBeginning": hour(begin), "hasEnd": hour(end)}
    return write(by, "commitment", data)


def ask(by: Node, thing: bytes, lender: bytes, begin: int, end: int) -> RecordId:
    """Let a member ask for a thing for some hours; return the agreement."""
    return propose(by, booking(by, thing, lender, by, begin, end))


def accept(by: Node, agreement: RecordId) -> RecordId:
    """Let a member who speaks for the community accept what is asked of it."""
    data: dict[str, Value] = {"agreement": agreement, "say": "yes", "for": by.community}
    return write(by, "agreement.sign", data)


def hand_over(by: Node, thing: bytes, receiver: MemberId, **over: Value) -> RecordId:
    """Let a member hand a thing over; return the event, which is the resource from then on."""
    data: dict[str, Value] = {"action": "transferCustody", "provider": member(by), **ONE}
    data |= {"receiver": receiver, "resourceInventoriedAs": thing, "newInventoriedResource": {}}
    return write(by, "event", data | over)


def promise(node: Node, clause: bytes) -> CommitmentRow:
    """Return a commitment as it stands at the last seal."""
    row = commitment_row(final(node), clause)
    assert row is not None, "the commitment counts"
    return row
