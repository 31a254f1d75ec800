"""The last chapter of the practice community: incomes are traced to the parts that were used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.workshop import euros

if TYPE_CHECKING:
    from tests.builders.practice_community import Practice


def follow(practice: Practice) -> None:
    """Let members trace income, mill and bake, sell twice, and lose one income again."""
    traced = {"name": "traced", "share": "100%", "trace": True, **SAID}
    patch = {"rounds": None, "pools": {"income": {"buckets": [traced], "every_hours": 2}}}
    proposal = practice.patch("Jun", patch)
    practice.say(proposal, "yes", "Mei Jun Ana Dan")
    practice.witnessed(1, "Mei", "Jun")
    milling, baking, packing = (practice.write("Ana", "process", {}) for _ in range(3))

    def does(action: str, n: int, **data: Any) -> Record:
        quantity = {"n": n, "scale": 1, "unit": "kilogram"}
        fields = {"action": action, "provider": practice.id("Ana"), "resourceQuantity": quantity}
        event = practice.write("Ana", "event", fields | data)
        practice.attest(event, "Mei")
        return event

    new: dict[str, Any] = {"newInventoriedResource": {}}
    practice.work("Jun", 20, by="Mei", inputOf=milling.id)
    flour = does("produce", 1_000, outputOf=milling.id, **new)
    does("consume", 70, resourceInventoriedAs=flour.id, inputOf=baking.id)
    does("raise", 55, resourceInventoriedAs=flour.id)
    practice.work("Ana", 2, by="Mei", inputOf=baking.id)
    loaves = does("produce", 60, outputOf=baking.id, **new)
    does("combine", 30, resourceInventoriedAs=loaves.id, inputOf=packing.id)
    basket = does("produce", 10, outputOf=packing.id, **new)
    does("separate", 7, resourceInventoriedAs=loaves.id, outputOf=baking.id)
    sold = does("lower", 20, resourceInventoriedAs=loaves.id)
    came = [practice.earn(9_001, earnedBy=source.id) for source in (basket, sold)]
    practice.earn(100, earnedBy=bytes(32))
    practice.witnessed(1, "Mei", "Jun")
    less = {"action": "transfer", "corrects": came[0].id, "resourceQuantity": euros(-9_001)}
    practice.write("Mei", "event", less)
    practice.write("Jun", "attest", {"event": came[0].id, "say": "yes", "corrections": 1})
    practice.earn(5_555, earnedBy=loaves.id)
    practice.witnessed(1, "Mei", "Jun")
    practice.earn(700)
    practice.witnessed(1, "Mei", "Jun")
