"""A recipe for bread, and a plan by it, in a workshop; with records that count for nothing."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.records.record import Record
from tests.protocol.ledger.workshop import Workshop, hours

DUE_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


def kilograms(n: int) -> dict[str, Any]:
    """Return a quantity in kilograms."""
    return {"n": n, "scale": 0, "unit": "kilogram"}


def flow(action: str, quantity: dict[str, Any], spec: Record | None = None) -> dict[str, Any]:
    """Return a flow, of a recipe or of an intent."""
    key = "effortQuantity" if quantity["unit"] == "hour" else "resourceQuantity"
    named = {} if spec is None else {"resourceConformsTo": spec.id}
    return {"action": action, key: quantity, **named}


class Baking:
    """Rye becomes dough, and dough becomes bread: the records of one recipe.

    Jun writes them; whoever else is in the workshop may use them.
    """

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.rye, self.dough, self.loaf = (
            shop.write("Jun", "spec.resource", {"name": name, "unit": "kilogram"})
            for name in ("rye", "dough", "rye bread")
        )
        self.kneading, self.heat = (
            shop.write("Jun", "spec.process", {"name": name}) for name in ("knead", "oven heat")
        )
        self.knead = self.step(
            self.kneading,
            2,
            inputs=[flow("consume", kilograms(6), self.rye), flow("work", hours(1))],
            outputs=[flow("produce", kilograms(10), self.dough)],
        )
        self.bake = self.step(
            self.heat,
            3,
            inputs=[
                flow("consume", kilograms(10), self.dough),
                flow("use", hours(2)),
                flow("work", hours(2)) | {"factor": "knowledge"},
            ],
            outputs=[flow("produce", kilograms(9), self.loaf)],
        )
        self.recipe = self.write([self.knead, self.bake])
        self.planned: Record
        self.rye_wanted: Record

    def step(self, spec: Record, duration_hours: int, **sides: Any) -> Record:
        """Write a step of recipes."""
        data = {"basedOn": spec.id, "hasDuration": duration_hours * HOUR_MS}
        return self.shop.write("Jun", "recipe.process", data | sides)

    def write(self, steps: list[Record], by: str = "Jun", **over: Any) -> Record:
        """Write a recipe of these steps, for 9 kg of bread."""
        data: dict[str, Any] = {"name": "Rye", "processes": [step.id for step in steps]}
        data |= {"resourceConformsTo": self.loaf.id, "resourceQuantity": kilograms(9)}
        return self.shop.write(by, "recipe", data | over)

    def plan(self, by: str, **over: Any) -> Record:
        """Begin a plan by the recipe."""
        data: dict[str, Any] = {"name": "Sunday", "recipe": self.recipe.id, "due": DUE_MS}
        return self.shop.write(by, "plan", data | {"resourceQuantity": kilograms(18)} | over)

    def process(self, by: str, plan: Record) -> Record:
        """Begin a process of a plan."""
        data = {"basedOn": self.kneading.id, "plannedWithin": plan.id}
        return self.shop.write(by, "process", data)

    def intend(self, by: str, plan: Record, what: dict[str, Any], **over: Any) -> Record:
        """Write an intent of the community within a plan."""
        shop = self.shop
        data = {"receiver": bytes(shop.community), "plannedWithin": plan.id, "due": DUE_MS}
        return shop.write(by, "intent", what | data | over)


def planned(shop: Workshop) -> Baking:
    """Let Jun plan, Ana promise, and work be done; with records that count for nothing."""
    baking = Baking(shop)
    baking.write([baking.bake, baking.knead])
    baking.write([baking.knead], resourceQuantity=hours(1))
    baking.write([baking.knead, baking.bake], by="Ana")
    baking.write([baking.rye])
    baking.recipe = baking.write([baking.knead, baking.bake])
    baking.step(baking.heat, 1, inputs=[flow("produce", kilograms(1), baking.loaf)])
    baking.step(baking.heat, 1, outputs=[flow("produce", kilograms(0), baking.loaf)])
    baking.step(baking.heat, 1, outputs=[flow("produce", hours(1) | {"unit": "one"}, baking.rye)])
    plan = baking.plan("Jun")
    baking.plan("Ana", recipe=bytes(32))
    baking.plan("Ana", resourceQuantity=None)
    process = baking.process("Jun", plan)
    baking.process("Ana", plan)
    placed = {"inputOf": process.id}
    work = baking.intend("Jun", plan, flow("work", hours(2)), **placed, factor="knowledge")
    rye = baking.intend("Jun", plan, flow("consume", kilograms(12), baking.rye), **placed)
    made = flow("produce", kilograms(20), baking.dough)
    baking.intend("Jun", plan, made, outputOf=process.id)
    baking.intend("Jun", plan, made, **placed)
    baking.intend("Jun", plan, made, outputOf=plan.id)
    baking.intend("Jun", plan, flow("work", hours(2)), **placed, factor="luck")
    baking.intend("Ana", plan, flow("work", hours(2)))
    baking.intend("Jun", plan, flow("use", hours(3)), provider=shop.id("Ana"))
    promise = flow("work", hours(2)) | {"provider": shop.id("Ana"), "satisfies": [work.id]}
    promise |= {"receiver": bytes(shop.community)}
    taken = shop.write("Ana", "commitment", promise)
    promise = flow("consume", kilograms(1), baking.dough) | {"provider": shop.id("Ana")}
    promise |= {"receiver": bytes(shop.community), "satisfies": [rye.id]}
    shop.write("Ana", "commitment", promise)
    done = {"fulfills": taken.id, "satisfies": work.id}
    shop.work("Ana", 1, by="Jun", **done)
    shop.work("Ana", 1, by="Jun", **done, inputOf=process.id, factor="knowledge")
    sack = {"action": "raise", "provider": shop.id("Jun"), "newInventoriedResource": {}}
    for spec in (baking.rye, baking.dough):
        raised = sack | {"resourceConformsTo": spec.id, "resourceQuantity": kilograms(50)}
        used = flow("consume", kilograms(4)) | {"provider": shop.id("Jun"), "inputOf": process.id}
        stock = shop.write("Jun", "event", raised)
        shop.write("Jun", "event", used | {"satisfies": rye.id, "resourceInventoriedAs": stock.id})
    baking.planned, baking.rye_wanted = plan, rye
    return baking


def ended(baking: Baking) -> None:
    """Let Jun end what was planned; with records that count for nothing."""
    shop, plan = baking.shop, baking.planned
    for name in ("Ana", "Jun", "Jun"):
        shop.write(name, "plan.end", {"plan": plan.id})
    baking.process("Jun", plan)
    promise = flow("consume", kilograms(1)) | {"provider": shop.id("Ana")}
    promise |= {"receiver": bytes(shop.community), "satisfies": [baking.rye_wanted.id]}
    shop.write("Ana", "commitment", promise)
