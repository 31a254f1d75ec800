"""Trace and track: from a resource back to all that went into it, and forward to all its uses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import (
    EVENT,
    INPUT,
    OF_PROCESS,
    OF_RESOURCE,
    OUTPUT,
    EventRow,
    event_row,
)
from commonweal.protocol.ledger.things.resources import RESOURCE
from commonweal.protocol.ledger.things.units_and_specs import PROCESS
from commonweal.protocol.vocabulary.actions import ACTIONS

STEPS_MAX = 10_000
"""A walk ends after this many steps."""


class Direction(Enum):
    """The direction of a walk."""

    UPSTREAM = "trace"
    DOWNSTREAM = "track"


class FlowNode(Enum):
    """What a step of a walk stands on."""

    EVENT = "event"
    RESOURCE = "resource"
    PROCESS = "process"


class TraceStep(NamedTuple):
    """An event, resource or process that a walk reached, `depth` steps from its start."""

    sort: FlowNode
    id: bytes
    depth: int


def trace(state: State, start: bytes, steps_max: int = STEPS_MAX) -> list[TraceStep]:
    """Return what went into an event, a resource or a process, nearest first.

    Each appears once, however many ways lead to it. Empty when `start` is not known.
    """
    return _walk(state, start, Direction.UPSTREAM, steps_max)


def track(state: State, start: bytes, steps_max: int = STEPS_MAX) -> list[TraceStep]:
    """Return what came of an event, a resource or a process, nearest first; as `trace`."""
    return _walk(state, start, Direction.DOWNSTREAM, steps_max)


def _walk(state: State, start: bytes, way: Direction, steps_max: int) -> list[TraceStep]:
    first = next((sort for sort, table in _TABLES if state.get(table + start) is not None), None)
    if first is None:
        return []
    steps: list[TraceStep] = []
    seen = {(first, start)}
    waiting = deque([TraceStep(first, start, 0)])
    while waiting and len(steps) < steps_max:
        step = waiting.popleft()
        steps.append(step)
        for sort, id in neighbours(state, step, way):
            if (sort, id) not in seen:
                seen.add((sort, id))
                waiting.append(TraceStep(sort, id, step.depth + 1))
    return steps


# A resource has the id of the event that began it; for that id, the resource comes first.
_TABLES = ((FlowNode.RESOURCE, RESOURCE), (FlowNode.PROCESS, PROCESS), (FlowNode.EVENT, EVENT))


def neighbours(state: State, step: TraceStep, way: Direction) -> Iterator[tuple[FlowNode, bytes]]:
    """Yield what is one step further, once for each way that leads to it."""
    upstream = way is Direction.UPSTREAM
    match step.sort:
        case FlowNode.PROCESS:
            prefix = OF_PROCESS + step.id + (INPUT if upstream else OUTPUT)
            for key, _ in state.items(prefix):
                yield FlowNode.EVENT, key[len(prefix) :]
        case FlowNode.RESOURCE:
            prefix = OF_RESOURCE + step.id
            for key, _ in state.items(prefix):
                row = event_row(state, key[len(prefix) :])
                if row is not None and (_flows_into if upstream else _flows_out)(row, step.id):
                    yield FlowNode.EVENT, key[len(prefix) :]
        case FlowNode.EVENT:
            row = event_row(state, step.id)
            if row is not None:
                yield from _of_event(row, upstream)


def _flows_into(row: EventRow, resource: bytes) -> bool:
    action = ACTIONS[row.action]
    if row.target == resource:
        return True
    return action.side == "output" or action.accounting == "increment"


def _flows_out(row: EventRow, resource: bytes) -> bool:
    return row.source == resource and not _flows_into(row, resource)


def _of_event(row: EventRow, upstream: bool) -> Iterator[tuple[FlowNode, bytes]]:
    """Yield what is next to an event: the process or resource that it flows from or to."""
    process = row.output_of if upstream else row.input_of
    if process is not None:
        yield FlowNode.PROCESS, process
    if row.source is not None:
        into = _flows_into(row, row.source)
        if into != upstream:
            yield FlowNode.RESOURCE, row.source
    if row.target is not None and not upstream:
        yield FlowNode.RESOURCE, row.target
