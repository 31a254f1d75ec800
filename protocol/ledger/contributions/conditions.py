"""The conditions of the rules that an event must meet, beside its form."""

from __future__ import annotations

from commonweal.protocol.errors import RuleError
from commonweal.protocol.ledger.contributions import consent, events
from commonweal.protocol.ledger.contributions.value import event_fields
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.expression import FuelBudget, evaluate

ADMISSION_FUEL_MAX = 2_000
"""Fuel for all conditions of one event together, because each event is folded."""


def event(state: State, record: Record, context: Context) -> Verdict:
    """Note an event if the rules' conditions admit it; a correction, if they admit its result."""
    refused = events.event(state, record, context)
    if refused is not None or not context.rules.admissions:
        return refused
    waits = consent.correction_row(state, record.id)
    mark = state.mark()
    if waits is not None:
        refused = consent.apply(state, record.id, waits, context)
        assert refused is None, "a correction that could not hold was refused"
    refused = _admit(state, record.data.get("corrects", record.id), context)
    if waits is not None:
        state.rollback(mark)
    return refused


def _admit(state: State, event: bytes, context: Context) -> Verdict:
    row = event_row(state, event)
    assert row is not None, "the event was noted"
    value = event_fields(state, context.community, event, row)
    shared_fuel = FuelBudget(ADMISSION_FUEL_MAX)
    for admission in context.rules.admissions:
        if admission.actions and row.action not in admission.actions:
            continue
        try:
            if not evaluate(admission.when, {"event": value}, shared_fuel.left, shared_fuel):
                return Reason.NOT_ADMITTED
        except RuleError:
            return Reason.RULE_FAILED
    return None
