"""The rows behind the SQL views of projects: their scopes, who is in them, and how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.ventures.projects.projects import (
    PROJECT,
    PROJECT_MEMBER,
    ProjectMemberRow,
    ProjectRow,
)
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb

TABLES = ("project_row", "project_member_row")
VIEWS = ("projects", "project_members")

ID_BYTES = 32


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows of projects that depend on these state keys again."""
    final = LayeredState(layers, FINAL)
    projects = dict.fromkeys(key for key in changed if key.startswith(PROJECT))
    members = dict.fromkeys(key for key in changed if key.startswith(PROJECT_MEMBER))
    rows: list[tuple[Any, ...]] = []
    for key in projects:
        value = layers.get(key)
        if value is not None:
            row = ProjectRow(*value)
            rows.append(
                (
                    *(key[len(PROJECT) :], row.name, row.member, row.split, row.status, row.cause),
                    *(row.members, row.end_ms, row.since or None, row.height or None),
                    final.get(key) == value,
                )
            )
    _write(layers, "project_row", [(key[len(PROJECT) :],) for key in projects], rows)
    rows = []
    for key in members:
        value = layers.get(key)
        if value is not None:
            known = ProjectMemberRow(*value)
            ids = key[len(PROJECT_MEMBER) :]
            both = (ids, ids[:ID_BYTES], ids[ID_BYTES:])
            rows.append((*both, known.since_ms, known.is_in, final.get(key) == value))
    keys = [(key[len(PROJECT_MEMBER) :],) for key in members]
    _write(layers, "project_member_row", keys, rows)


def _write(
    layers: StateDb, table: str, gone: list[tuple[bytes]], rows: list[tuple[Any, ...]]
) -> None:
    layers.change_many(f"DELETE FROM {table} WHERE id = ?", gone)  # noqa: S608
    if rows:
        places = ", ".join("?" * len(rows[0]))
        layers.change_many(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608
