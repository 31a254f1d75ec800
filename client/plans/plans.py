"""Plans: what a recipe comes to by a day, who takes which part of it, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.home.submit import WrittenRecord, now_ms
from commonweal.client.language.quantity import (
    exact,
    quantity_field,
    read_quantity,
    read_scope,
    shown_action,
    shown_number,
    shown_unit,
)
from commonweal.client.language.times import read_due_ms
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.client.ledger.rows.plan_rows import ListedPlan, PlanDetails, listed_plan, plan_parts
from commonweal.client.plans.recipes import recipe_id, steps_of
from commonweal.client.plans.schedule import (
    StepTimes,
    scaled,
    span_ms,
    times_of,
)
from commonweal.protocol.errors import UnreadableQuantity, UnreadableTime, UsageError
from commonweal.protocol.ledger.exchange import commitments
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import intent_row
from commonweal.protocol.ledger.plans import plans
from commonweal.protocol.ledger.plans.flows import RecipeFlow
from commonweal.protocol.ledger.plans.plans import PlanHeader
from commonweal.protocol.ledger.plans.recipes import (
    RecipeProcessRow,
    RecipeRow,
    flows_of,
    recipe_row,
)
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.ledger_view import LedgerView

NOTICE_MS = 3_600_000
"""How long from now a plan begins that says no day: nobody is late at once."""

LASTING = frozenset({"work", "use", "deliverService"})
"""Inputs that last as long as their step; others are there when it begins."""


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan that was made. begins_ms: when its first step has to begin.

    rounded: how many of its quantities are more than the recipe asks for.
    """

    id: RecordId
    seq: int
    name: str
    due_ms: int
    begins_ms: int
    processes: int
    intents: int
    rounded: int


@dataclass(frozen=True, slots=True)
class NewCommitment:
    """A part of a plan that this member promised to do."""

    id: RecordId
    seq: int
    intent: RecordId
    quantity: Decimal
    unit: str
    due_ms: int | None


class Plans(HomeAccess):
    """Plans by recipes, and what members take of them."""

    def plans(self, *, ended: bool = False) -> list[ListedPlan]:
        """Return the plans, what is first due first; ended: also those that have ended."""
        view = self.view
        headers = [
            (RecordId(key[len(plans.PLAN) :]), PlanHeader(*value))
            for key, value in view.state.items(plans.PLAN)
        ]
        rows = [
            listed_plan(view, id, header, now_ms())
            for id, header in headers
            if ended or header.ended is None
        ]
        return sorted(rows, key=lambda row: (row.due_ms is None, row.due_ms or 0, row.id))

    def plan(self, plan: str | bytes) -> PlanDetails:
        """Return a plan, part by part. Raises UnknownId, AmbiguousId."""
        view = self.view
        id = view.id_among(prefix(plan), plans.PLAN)
        header = PlanHeader(*view.state.get(plans.PLAN + id))
        listed = listed_plan(view, id, header, now_ms())
        row = None if header.recipe is None else recipe_row(view.state, header.recipe)
        fields = {name: getattr(listed, name) for name in ListedPlan.__slots__}
        parts = tuple(plan_parts(view, id, now_ms()))
        return PlanDetails(**fields, recipe=None if row is None else row.name, parts=parts)

    def plan_from(
        self,
        recipe: str | bytes,
        quantity: str | int | Decimal,
        unit: str | None = None,
        *,
        due: str | None = None,
        name: str | None = None,
    ) -> NewPlan:
        """Plan to make so much by a recipe: its processes, and an intent for each of its flows.

        All of it is written, or nothing. The intents are the community's, open to whoever takes
        them. unit: that of the recipe, if it is said. due: a day, a time, or 3d from now on;
        without it, the first step begins in an hour. name: else that of the recipe. Raises
        UnknownId, AmbiguousId, UnreadableQuantity, UnreadableTime, UsageError, UnusableText,
        WouldNotCount.
        """
        view, now = self.view, now_ms()
        row = recipe_row(view.state, recipe_id(view, recipe))
        assert row is not None, "it is a recipe"
        steps = steps_of(view, row)
        wanted = self._wanted(row, quantity, unit)
        due_ms = now + NOTICE_MS + span_ms(steps) if due is None else read_due_ms(due, now)
        if due_ms < now:
            raise UnreadableTime(self.words("{due} is past").format(due=due))
        data: dict[str, Any] = {
            "name": row.name if name is None else read_scope(name, self.words),
            "recipe": bytes(recipe_id(view, recipe)),
            "resourceQuantity": wanted,
            "due": due_ms,
        }
        times = Fraction(wanted["n"], 10 ** wanted["scale"])
        times /= Fraction(row.quantity[0], 10 ** row.quantity[1])
        drafts = view.drafts()
        draft = _PlanDraft(drafts, bytes(view.community), drafts.add(wish_of("plan", data)), times)
        hours = times_of(steps, due_ms)
        for step, when in zip(steps, hours, strict=True):
            if not draft.step(step, when):
                raise UnreadableQuantity(self.words("that is more than a quantity holds"))
        written = self._write_drafts(drafts)[0]
        return NewPlan(
            id=written.id,
            seq=written.seq,
            name=str(data["name"]),
            due_ms=due_ms,
            begins_ms=min(when.begins_ms for when in hours),
            processes=len(steps),
            intents=draft.intents,
            rounded=draft.rounded,
        )

    def end_plan(self, plan: str | bytes) -> WrittenRecord:
        """End a plan of this member, done or not: nobody takes a part of it any more.

        Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        id = self.view.id_among(prefix(plan), plans.PLAN)
        return self._write_one("plan.end", {"plan": bytes(id)}, (id,))

    def take(
        self,
        part: str | bytes,
        quantity: str | int | Decimal | None = None,
        unit: str | None = None,
    ) -> NewCommitment:
        """Promise to do a part of a plan, or so much of it: all that is left, if it is not said.

        Raises UnknownId, AmbiguousId, UnreadableQuantity, UsageError, WouldNotCount.
        """
        view = self.view
        id = view.id_among(prefix(part), intents.INTENT)
        intent = intent_row(view.state, id)
        assert intent is not None, "it is an intent"
        if quantity is None:
            left = intent.left
            if not left.n and exact(*intent.met[:2]) < exact(*intent.limit[:2]):
                raise UsageError(view.words("all of it is promised already"))
            if not left.n:
                raise UsageError(view.words("all of it is done already"))
            quantity = exact(left.n, left.scale)
        amount: dict[str, Any] = dict(
            read_quantity(
                f"{quantity:f}" if isinstance(quantity, Decimal) else str(quantity),
                unit or intent.limit.unit,
                self.words,
            )
        )
        me, ours = bytes(view.me), bytes(view.community)
        sides: dict[str, Any] = {
            "provider": intent.provider or me,
            "receiver": intent.receiver or ours,
        }
        if intent.provider is not None and intent.receiver is None:
            sides["receiver"] = me
        key = quantity_field(intent.action, amount["unit"])
        data: dict[str, Any] = {
            "action": intent.action,
            key: amount,
            "satisfies": [bytes(id)],
            **sides,
        }
        if intent.due is not None:
            data["due"] = intent.due
        written = self._write_one("commitment", data, (id,))
        promised = exact(amount["n"], amount["scale"])
        return NewCommitment(written.id, written.seq, id, promised, amount["unit"], intent.due)

    def _wanted(
        self, row: RecipeRow, quantity: str | int | Decimal, unit: str | None
    ) -> dict[str, Any]:
        """Return how much is to be made, in the unit of the recipe."""
        wanted: dict[str, Any] = dict(
            read_quantity(str(quantity), row.quantity[2] if unit is None else unit, self.words)
        )
        if wanted["unit"] != row.quantity[2]:
            text = self.words("the recipe is counted in {unit}").format(unit=row.quantity[2])
            raise UsageError(text)
        if not wanted["n"]:
            raise UnreadableQuantity(self.words("a quantity is more than nothing"))
        return wanted


class _PlanDraft:
    """The records of a plan, as they are drafted. intents, rounded: how many of each there are."""

    def __init__(self, drafts: Drafts, community: bytes, plan: RecordId, times: Fraction) -> None:
        self._drafts, self._community, self._plan, self._times = drafts, community, plan, times
        self.intents = self.rounded = 0

    def step(self, step: RecipeProcessRow, when: StepTimes) -> bool:
        """Draft a process and its intents; return False when a quantity is too large."""
        within = {"plannedWithin": bytes(self._plan)}
        begun = wish_of("process", {"basedOn": step.spec, **within})
        process = bytes(self._drafts.add(begun))
        for flow in flows_of(step.inputs):
            due_ms = when.ends_ms if flow.action in LASTING else when.begins_ms
            if not self._intend(flow, {"inputOf": process, "due": due_ms, **within}):
                return False
        return all(
            self._intend(flow, {"outputOf": process, "due": when.ends_ms, **within})
            for flow in flows_of(step.outputs)
        )

    def _intend(self, flow: RecipeFlow, data: dict[str, Any]) -> bool:
        amount = scaled(flow.quantity, self._times)
        if amount is None:
            return False
        quantity = {"n": amount.n, "scale": amount.scale, "unit": amount.unit}
        field = quantity_field(flow.action, amount.unit)
        data |= {"action": flow.action, "receiver": self._community, field: quantity}
        if flow.spec is not None:
            data["resourceConformsTo"] = flow.spec
        if flow.factor is not None:
            data["factor"] = flow.factor
        self._drafts.add(wish_of("intent", data))
        self.intents += 1
        self.rounded += amount.is_rounded
        return True


def due_promises(
    view: LedgerView, until_ms: int
) -> Iterator[tuple[RecordId, CommitmentRow, Decimal]]:
    """Yield what this member promised to give by a time and did not yet, with how much is left.

    What is only asked, or belongs to a plan that has ended, is not waited for.
    """
    for key, value in view.state.items(commitments.COMMITMENT):
        row = CommitmentRow(*value)
        is_mine = row.provider == view.me and row.status in commitments.PROMISED
        if not is_mine or row.due is None or row.due > until_ms or not row.open.n:
            continue
        if row.plan is None or not plans.has_ended(view.state, row.plan):
            left = exact(row.open.n, row.open.scale)
            yield RecordId(key[len(commitments.COMMITMENT) :]), row, left


def promise_words(view: LedgerView, id: bytes) -> str:
    """Return a promise as people read it, with the plan that it is for."""
    row = commitment_row(view.state, id)
    assert row is not None, "it is a commitment"
    action = shown_action(row.action, view.words)
    amount = f"{shown_number(*row.quantity[:2])} {shown_unit(row.quantity[2], view.words)}"
    what = " ".join(filter(None, (action, amount, spec_name(view, row.spec))))
    if row.plan is None:
        return what
    plan = PlanHeader(*view.state.get(plans.PLAN + row.plan))
    return view.words("{what}, for the plan {plan}").format(what=what, plan=plan.name)


def fulfilling(view: LedgerView, data: dict[str, Any], *, begins: bool) -> dict[str, Any]:
    """Return the data of an event with what the plan says that it names, and `data` does not.

    That is the receiver, the resource, the process, the specification and the factor. A plan for
    another action changes nothing: the fold refuses it. begins: the event begins a resource, of a
    specification that is said elsewhere.
    """
    whole = dict(data)
    named = (
        commitment_row(view.state, whole["fulfills"]) if "fulfills" in whole else None,
        intent_row(view.state, whole["satisfies"]) if "satisfies" in whole else None,
    )
    for row in named:
        if row is None or row.action != data["action"]:
            continue
        planned = {
            "receiver": None if row.receiver == view.community else row.receiver,
            "resourceInventoriedAs": None if begins else row.resource,
            "inputOf": row.input_of,
            "outputOf": row.output_of,
            "factor": row.factor,
        }
        if "resourceInventoriedAs" not in whole and row.resource is None and not begins:
            planned["resourceConformsTo"] = row.spec
        whole = {name: value for name, value in planned.items() if value is not None} | whole
    return whole
