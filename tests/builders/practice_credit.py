"""A chapter of the practice community: its members pay each other hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID

if TYPE_CHECKING:
    from tests.builders.practice_community import Practice


def spend(practice: Practice) -> None:
    """Let members adopt credit, pay well and badly, take back, and do without it again."""
    limits = {"floor": -5, "ceiling": 6, "grows": "by_received", "grows_to": -7}
    proposal = practice.patch("Jun", {"credit": {"hour": {**limits, **SAID}}})
    practice.say(proposal, "yes", "Mei Jun Ana Dan")
    practice.witnessed(1, "Mei", "Jun")
    first = pay(practice, "Mei", "Jun", 5)
    for payer, payee, n, scale in (
        *(("Mei", "Ana", 1, 2), ("Jun", "Ana", 70, 1), ("Ana", "Jun", 105, 1)),
        *(("Jun", "Ana", 1, 3), ("Jun", "Jun", 1, 0), ("Jun", "Cai", 1, 0), ("Jun", "Mei", 0, 0)),
    ):
        pay(practice, payer, payee, n, scale)
    pay(practice, "Jun", "Mei", 1, provider=practice.id("Ana"))
    pay(practice, "Jun", "Mei", 1, settles=[bytes(32)])
    pay(practice, "Jun", "Mei", 1, receiver=practice.community)
    practice.witnessed(1, "Mei", "Jun")
    correct(practice, "Mei", first, 1)
    back = correct(practice, "Mei", first, -40, 1)
    practice.write("Jun", "attest", {"event": back.id, "say": "yes"})
    last = pay(practice, "Jun", "Mei", 50, 2)
    practice.witnessed(1, "Mei", "Jun")
    set_off(practice)
    proposal = practice.patch("Jun", {"credit": None})
    practice.say(proposal, "yes", "Mei Jun Ana Dan")
    practice.witnessed(1, "Mei", "Jun")
    correct(practice, "Jun", last, 1)
    pay(practice, "Jun", "Mei", 1)
    practice.witnessed(1, "Mei", "Jun")


def set_off(practice: Practice) -> None:
    """Let two who owe each other pay a part, and set off the rest, well and badly."""
    owed = promise(practice, "Mei", "Jun", 3)
    pay(practice, "Mei", "Jun", 1, fulfills=owed.id)
    back = promise(practice, "Jun", "Mei", 2)
    asked = promise(practice, "Jun", "Mei", 2, answered=False)
    deals = []
    for parts in (
        *(((owed, 15), (back, 15)), ((owed, 10), (back, 10)), ((owed, 25), (back, 20))),
        *(((owed, 20), (back, 10)), ((owed, 10), (asked, 10)), ((owed, 10),)),
    ):
        pairs = sorted([one.id, hours(n, 1)["resourceQuantity"]] for one, n in parts)
        deals.append(practice.write("Mei", "agreement", {"setsOff": pairs}))
    for deal in deals[:2]:
        practice.write("Jun", "agreement.sign", {"agreement": deal.id, "say": "yes"})
    for name in ("Mei", "Jun"):
        practice.write(name, "agreement.end", {"agreement": deals[0].id, "why": "done"})
    practice.witnessed(1, "Mei", "Jun")


def promise(
    practice: Practice, debtor: str, creditor: str, n: int, *, answered: bool = True
) -> Record:
    """Let one promise another hours, and the other agree unless `answered` is false."""
    sides = {"provider": practice.id(debtor), "receiver": practice.id(creditor)}
    data = {"action": "transfer", "clause": True, **sides, **hours(n, 0)}
    clause = practice.write(debtor, "commitment", data)
    deal = practice.write(debtor, "agreement", {"stipulates": [clause.id]})
    if answered:
        practice.write(creditor, "agreement.sign", {"agreement": deal.id, "say": "yes"})
    return clause


def pay(practice: Practice, payer: str, payee: str, n: int, scale: int = 0, **over: Any) -> Record:
    """Write a payment of hours."""
    data = {"action": "transfer", "provider": practice.id(payer), "receiver": practice.id(payee)}
    return practice.write(payer, "event", {**data, **hours(n, scale), **over})


def correct(practice: Practice, name: str, paid: Record, n: int, scale: int = 0) -> Record:
    """Write a correction of a payment."""
    data = {"action": "transfer", "corrects": paid.id, **hours(n, scale)}
    return practice.write(name, "event", data)


def hours(n: int, scale: int) -> dict[str, Any]:
    """Return a quantity of hours as a resource."""
    return {"resourceQuantity": {"n": n, "scale": scale, "unit": "hour"}}
