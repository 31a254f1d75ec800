"""Inventory: what one event does to resources, by the table of Valueflows actions.

Nothing is taken that is not there, and nothing is given that is not taken, except what is made,
raised, copied, or comes from outside the community. What modify, dropoff and separate give back was
taken by their pair (`things/pairs`). The author of the event must speak for the owner or the holder
of the resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things import pairs, units_and_specs
from commonweal.protocol.ledger.things.event_row import GIVEN, OF_RESOURCE, TAKEN, EventRow
from commonweal.protocol.ledger.things.quantities import Quantity
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow, resource_row
from commonweal.protocol.vocabulary.actions import ACTIONS, Action


@dataclass(frozen=True, slots=True)
class Effect:
    """What one event does to resources. said: what its record says of them."""

    state: State
    event: bytes
    said: dict[str, Any]
    context: Context
    row: EventRow

    @property
    def action(self) -> Action:
        """The row of the actions table that the event follows."""
        return ACTIONS[self.row.action]

    @property
    def quantity(self) -> Quantity | None:
        """How much of a resource; None where only effort is counted."""
        return None if self.row.quantity is None else Quantity(*self.row.quantity)

    def apply(self) -> EventRow | Reason:
        """Change the resources; return the event's row, which names them, or why it cannot."""
        action, row = self.action, self.row
        is_new = "newInventoriedResource" in self.said
        if is_new and type(self.said["newInventoriedResource"]) is not dict:
            return Reason.SHAPE
        to_new = is_new and action.creates == "optionalTo" and row.target is None
        from_new = is_new and action.creates == "optional" and row.source is None
        if is_new and not to_new and not from_new:
            return Reason.NO_NEW_RESOURCE
        refused = self._sides(to_new)
        if refused is not None:
            return refused
        source: ResourceRow | None = None
        if from_new:
            row = row._replace(source=self.event)
        if row.source is not None:
            was = self._begun(None) if from_new else resource_row(self.state, row.source)
            assert was is not None, "the resource is known"
            taken = self._take(row.source, was, from_new)
            if taken is not None:
                return taken
            source = was
        if to_new or row.target is not None:
            target = self._give(source, to_new)
            if isinstance(target, Reason):
                return target
            row = row._replace(target=target)
        return row

    def _sides(self, to_new: bool) -> Verdict:
        """Return why the resources named do not fit the action; otherwise None."""
        action, row = self.action, self.row
        goes_to = action.accounting_signs[1] or action.onhand_signs[1]
        if row.target is not None and not goes_to:
            return Reason.NO_NEW_RESOURCE
        if row.target is not None and row.source == row.target:
            return Reason.ONE_SIDE
        if not action.has_two_sides:
            return None
        if row.source is None:
            # Without a source, the resource comes from outside the community.
            return None if agents.is_outside(row.provider) else Reason.UNKNOWN_RESOURCE
        return None if to_new or row.target is not None else Reason.NO_OTHER_RESOURCE

    def _take(self, id: bytes, was: ResourceRow, is_new: bool) -> Verdict:
        """Change the resource that the event takes from, adds to, or only touches."""
        action, data = self.action, self.said
        signs = action.accounting_signs[0], action.onhand_signs[0]
        refused = self._fits(was, signs)
        if refused is None and (any(signs) or "state" in data or "atLocation" in data):
            refused = self._may_take(was, is_new)
        if refused is not None:
            return refused
        now = self._counted(was, signs)
        if isinstance(now, Reason):
            return now
        if self.quantity is not None:
            refused = pairs.balance(self.state, self.row, self.quantity.n, self.quantity.scale)
            if refused is not None:
                return refused
        if action.location in ("update", "new") and "atLocation" in data:
            now = now._replace(location=data["atLocation"])
        if action.state == "update" and "state" in data:
            now = now._replace(state=data["state"])
        if action.stage == "update" and self.row.output_of is not None:
            process = units_and_specs.process_row(self.state, self.row.output_of)
            assert process is not None, "the process is known"
            now = now._replace(stage=process.spec)
        if action.contained == "update":
            now = now._replace(contained=data.get("containedIn"))
        elif action.contained == "remove":
            now = now._replace(contained=None)
        self._keep(id, now, TAKEN)
        return None

    def _give(self, source: ResourceRow | None, is_new: bool) -> bytes | Reason:
        """Change the resource that the event goes to; return its id."""
        action, data = self.action, self.said
        signs = action.accounting_signs[1], action.onhand_signs[1]
        id = self.event if is_new else self.row.target
        assert id is not None, "the event goes to a resource"
        known = None if is_new else resource_row(self.state, id)
        if known is None and self._is_return(source):
            return Reason.RETURN_NOT_NAMED
        was = known or self._begun(source)
        refused = self._fits(was, signs)
        if refused is None and known is not None:
            refused = self._may_give(known, source)
        is_matched = source is not None and action.has_two_sides
        if refused is None and not is_matched:
            speaks = agents.speaks_for(self.state, self.context, was.accountable)
            refused = None if speaks else Reason.NOT_YOURS
        if refused is not None:
            return refused
        now = self._counted(was, signs)
        if isinstance(now, Reason):
            return now
        if action.location in ("updateTo", "new") and "atLocation" in data:
            now = now._replace(location=data["atLocation"])
        if action.state == "updateTo" and "state" in data:
            now = now._replace(state=data["state"])
        self._keep(id, now, GIVEN)
        return id

    def _begun(self, source: ResourceRow | None) -> ResourceRow:
        """Return the resource that the event begins, still empty."""
        assert self.quantity is not None, "what begins a resource has a quantity of it"
        row = self.row
        receiver = row.receiver or row.provider
        begun = ResourceRow(
            row.spec, receiver, receiver, 0, 0, self.quantity.scale, self.quantity.unit
        )
        if source is None:
            return begun
        accountable = source.accountable if self.action.accountable == "-" else receiver
        return begun._replace(
            spec=source.spec, accountable=accountable, stage=source.stage, state=source.state
        )

    def _counted(self, was: ResourceRow, signs: tuple[int, int]) -> ResourceRow | Reason:
        if self.quantity is None or not any(signs):
            return was
        return was.changed(self.quantity.n, self.quantity.scale, *signs)

    def _fits(self, resource: ResourceRow, signs: tuple[int, int]) -> Verdict:
        if any(signs) and self.quantity is not None and resource.unit != self.quantity.unit:
            return Reason.WRONG_UNIT
        if self.row.spec is not None and resource.spec != self.row.spec:
            return Reason.WRONG_SPEC
        return None

    def _may_take(self, resource: ResourceRow, is_new: bool) -> Verdict:
        """Return why the author or the provider may not do this with the resource."""
        owners = [resource.accountable]
        if not self.action.accounting_signs[0]:
            owners.append(resource.custodian)
        if self.action.has_two_sides and self.row.provider not in owners:
            return Reason.NOT_THEIRS
        if any(agents.speaks_for(self.state, self.context, owner) for owner in owners):
            return None
        # The maker of a resource may assign it to another agent.
        is_maker = is_new and self.context.member == self.row.provider
        return None if is_maker else Reason.NOT_YOURS

    def _may_give(self, target: ResourceRow, source: ResourceRow | None) -> Verdict:
        """Return why the event may not go to this existing resource."""
        if source is not None and target.spec != source.spec:
            return Reason.WRONG_SPEC
        receiver = self.row.receiver or self.row.provider
        if self.action.accountable != "-" or source is None:
            return None if receiver == target.accountable else Reason.NOT_THEIRS
        if target.accountable != source.accountable:
            return Reason.NOT_THEIRS
        if self.action.accounting_signs[1]:
            return None
        return None if receiver in (target.accountable, target.custodian) else Reason.NOT_THEIRS

    def _is_return(self, source: ResourceRow | None) -> bool:
        """Return whether custody goes back to the owner of the resource."""
        only_custody = self.action.accountable == "-" and not self.action.accounting_signs[1]
        return source is not None and only_custody and source.accountable == self.row.receiver

    def _keep(self, id: bytes, resource: ResourceRow, role: str) -> None:
        self.state.put(RESOURCE + id, [*resource])
        self.state.put(OF_RESOURCE + id + self.event, [role, self.row.clock])


def shift(state: State, row: EventRow, n: int, scale: int) -> Verdict:
    """Apply n / 10**scale more of an event, which is counted already, to its resources."""
    action = ACTIONS[row.action]
    for number, id in enumerate((row.source, row.target)):
        resource = None if id is None else resource_row(state, id)
        if id is None or resource is None:
            continue
        signs = action.accounting_signs[number], action.onhand_signs[number]
        changed = resource.changed(n, scale, *signs)
        if isinstance(changed, Reason):
            return changed
        state.put(RESOURCE + id, [*changed])
    return pairs.balance(state, row, n, scale)
