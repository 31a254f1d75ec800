"""Tasks of projects: intents of work with the scope of an open project.

They are intents like others; who takes one promises it, or agrees on it in a deal. With the project
those end that are open still; what was promised of them stands. State: 91 the tasks of a project.
"""

from __future__ import annotations

from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.ventures.projects.projects import project_of
from commonweal.protocol.records.record import Record

TASK = Table.PROJECT_TASK.prefix

WORK = ("work", "deliverService")
"""The actions that a task may ask for."""


def intend(state: State, record: Record, context: Context) -> Verdict:
    """Note an intent; one of work for an open project is a task of it."""
    refused = intents.intend(state, record, context)
    row = None if refused is not None else intents.intent_row(state, record.id)
    if row is not None and row.scope is not None and is_task(row):
        project = project_of(state, row.scope)
        if project is not None:
            state.put(TASK + project + record.id, True)
    return refused


def is_task(row: IntentRow) -> bool:
    """Return whether an intent asks somebody to work."""
    return row.provider is None and row.action in WORK


def tasks_of(state: State, project: bytes) -> list[bytes]:
    """Return the tasks of a project, open or not, by id."""
    prefix = TASK + project
    return [key[len(prefix) :] for key, _ in state.items(prefix)]


def end_tasks(state: State, project: bytes) -> None:
    """Withdraw the tasks of a project that are open still."""
    for task in tasks_of(state, project):
        row = intents.intent_row(state, task)
        if row is not None and row.status in (intents.OPEN, intents.PAUSED) and not row.is_met:
            intents.close(state, task, intents.WITHDRAWN, project)
