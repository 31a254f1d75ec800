"""The layouts of the tables of projects, as `tables` lists them."""

from __future__ import annotations

from typing import Final

from commonweal.protocol.ledger.state.row_layouts import Layout

# fmt: off
PROJECT: Final = Layout(
    b"9J", "project: id",
    "[member: id, clock: int, name: text, split: text, end_ms: int?, members: int, since: int,"
    " status: text, height: int, cause: text]",
    "ventures/projects/projects",
    "A project, and how many are in it; since, height: of the seals with which it began, and was"
    " open no more.")
PROJECT_LOOK: Final = Layout(
    b"9d", "skeleton: text", "id",
    "ventures/projects/projects",
    "The project whose name has this skeleton, open or closed.")
PROJECT_MEMBER: Final = Layout(
    b"9n", "project: id, member: id", "[since_ms: int, clock: int, is_in: bool]",
    "ventures/projects/projects",
    "A member who is or was in a project, and the seal's time at which they came last.")
OPEN_PROJECT: Final = Layout(
    b"9Z", "member: id, project: id", "true",
    "ventures/projects/projects",
    "The projects that are open, by who opened them.")
PROJECT_TASK: Final = Layout(
    b"91", "project: id, intent: id", "true",
    "ventures/projects/tasks", "The tasks of a project, open or not.")
# fmt: on
