"""Units, specifications and processes.

Records:
  unit.define    unit: its name, as quantities write it
  spec.resource  name; optional unit, effortUnit: the only ones its events may use; factor
  spec.process   name
  process        optional basedOn: a spec.process, inScopeOf: a scope
  process.end    process: one that the author's member began; no event names it from then on
A name that looks like a taken one is refused. State: U units, u their skeletons, S resource and p
process specifications, s their skeletons, X processes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import UNIT, UNIT_LOOK, is_unit
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, is_name, skeleton

SPEC, PROCESS_SPEC = Table.SPEC.prefix, Table.PROCESS_SPEC.prefix
SPEC_LOOK, PROCESS = Table.SPEC_LOOK.prefix, Table.PROCESS.prefix


class SpecRow(NamedTuple):
    """A resource specification in the state."""

    name: str
    unit: str | None
    effort_unit: str | None
    factor: str | None
    member: bytes


class ProcessRow(NamedTuple):
    """A process in the state. spec: the id of the specification that it is based on.

    ended: the clock of the record that ended it; None, and not in the row, while it goes on.
    """

    spec: bytes | None
    scope: str | None
    member: bytes
    clock: int
    ended: int | None = None


def define_unit(state: State, record: Record, context: Context) -> Verdict:
    """Define a new unit to count in."""
    unit = record.data.get("unit")
    if not is_name(unit, CODE_CHARACTERS_MAX):
        return Reason.SHAPE
    look = skeleton(unit)
    looks = (skeleton(known) for known in context.rules.units)
    if is_unit(state, context, unit) or state.get(UNIT_LOOK + look.encode()) or look in looks:
        return Reason.NAME_TAKEN
    state.put(UNIT + unit.encode(), [context.member, record.id])
    state.put(UNIT_LOOK + look.encode(), unit)
    return None


def specify_resource(state: State, record: Record, context: Context) -> Verdict:
    """Define a type of resource: its units, and the factor of production that it is."""
    data = record.data
    name, factor = data.get("name"), data.get("factor")
    units = (data.get("unit"), data.get("effortUnit"))
    for unit in units:
        if unit is not None and type(unit) is not str:
            return Reason.SHAPE
        if unit is not None and not is_unit(state, context, unit):
            return Reason.UNKNOWN_UNIT
    if factor is not None and factor not in context.rules.factors:
        return Reason.UNKNOWN_FACTOR
    refused = _take_name(state, record, name, b"r")
    if refused is None:
        state.put(SPEC + record.id, [*SpecRow(str(name), *units, factor, context.member)])
    return refused


def specify_process(state: State, record: Record, context: Context) -> Verdict:
    """Define a type of process: a stage that resources go through."""
    name = record.data.get("name")
    refused = _take_name(state, record, name, b"p")
    if refused is None:
        state.put(PROCESS_SPEC + record.id, [name, context.member])
    return refused


def begin_process(state: State, record: Record, context: Context) -> Verdict:
    """Begin a process; events name it as input or output."""
    spec, scope = record.data.get("basedOn"), record.data.get("inScopeOf")
    if scope is not None and not is_name(scope):
        return Reason.SHAPE
    if spec is not None:
        if not is_bytes(spec):
            return Reason.SHAPE
        if state.get(PROCESS_SPEC + spec) is None:
            return Reason.UNKNOWN_SPEC
    state.put(PROCESS + record.id, [spec, scope, context.member, record.clock])
    return None


def end_process(state: State, record: Record, context: Context) -> Verdict:
    """End a process that the author's member began: it takes and gives no more."""
    process = record.data.get("process")
    if not is_bytes(process):
        return Reason.SHAPE
    row = process_row(state, process)
    if row is None:
        return Reason.UNKNOWN_PROCESS
    if row.member != context.member:
        return Reason.NOT_YOURS
    if row.ended is not None:
        return Reason.PROCESS_ENDED
    state.put(PROCESS + process, [*row._replace(ended=record.clock)])
    return None


def process_row(state: State, process: bytes) -> ProcessRow | None:
    """Return the row of a process; None when there is no such process."""
    value = state.get(PROCESS + process)
    return None if value is None else ProcessRow(*value)


def _take_name(state: State, record: Record, name: Any, sort: bytes) -> Verdict:
    if not is_name(name):
        return Reason.SHAPE
    look = SPEC_LOOK + sort + skeleton(name).encode()
    if state.get(look) is not None:
        return Reason.NAME_TAKEN
    state.put(look, record.id)
    return None
