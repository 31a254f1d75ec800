"""Projects: what members undertake together, with a pool of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field

from commonweal.client.member import Member
from commonweal.client.ventures.projects.projects import TASK_UNIT
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import result_of, rows_of
from commonweal.web.api.parameters import Id, NameText, NoteText, NumberText

router = SubjectRouter(tags=["projects"])


class ProjectBody(Body):
    """A project. name: the scope that it owns. split: of what is left. until: a day, as typed."""

    name: NameText
    purpose: Annotated[NoteText, Field(min_length=1)]
    split: Literal["equal", "points", "community"] = "equal"
    until: NameText | None = None


class TaskBody(Body):
    """Work that a project needs. due: a day, as typed."""

    what: NameText
    quantity: NumberText
    unit: NameText = TASK_UNIT
    due: NameText | None = None


class TakenPart(Body):
    """How much of a task is promised; null: all that is left."""

    quantity: NumberText | None = None


class ClosingNote(Body):
    """Why; it is never erased."""

    note: NoteText | None = None


@router.reads("/projects", rows_of("projects", Member.projects))
def projects(me: Reader, page: Page, closed: bool = False) -> Any:
    """The projects, as `weal project list`."""
    rows, rest = page.part(me.projects(closed=closed), lambda row: row.id)
    return {"projects": rows, "next": rest}


@router.reads("/projects/{id}", result_of(Member.project))
def project(me: Reader, id: Id) -> Any:
    """A project with its people, work and money, as `weal project show`."""
    return me.project(id)


@router.reads("/project-totals", rows_of("totals", Member.project_totals))
def totals(me: Reader, page: Page) -> Any:
    """What came in, with projects and without, as `weal project totals`."""
    rows, rest = page.part(me.project_totals(), lambda row: row.unit)
    return {"totals": rows, "next": rest}


@router.writes("/projects", result_of(Member.open_project))
def open_project(write: Writes, body: ProjectBody) -> Response:
    """Open a project, as `weal project new`."""
    more: dict[str, Any] = {"split": body.split, "until": body.until}
    return write(lambda me: me.open_project(body.name, body.purpose, **more), body)


@router.writes("/projects/{id}/membership", result_of(Member.join_project))
def join(write: Writes, id: Id) -> Response:
    """Be in a project, as `weal project join`."""
    return write(lambda me: me.join_project(id))


@router.writes("/projects/{id}/departure", result_of(Member.leave_project))
def leave(write: Writes, id: Id) -> Response:
    """Be in a project no longer, as `weal project leave`."""
    return write(lambda me: me.leave_project(id))


@router.writes("/projects/{id}/tasks", result_of(Member.add_task))
def add_task(write: Writes, id: Id, body: TaskBody) -> Response:
    """Ask for work for a project, as `weal project task`."""
    said = (body.what, body.quantity, body.unit)
    return write(lambda me: me.add_task(id, *said, due=body.due), body)


@router.writes("/tasks/{id}/promise", result_of(Member.take_task))
def take(write: Writes, id: Id, body: TakenPart) -> Response:
    """Promise a task, as `weal project take`."""
    return write(lambda me: me.take_task(id, body.quantity), body)


@router.writes("/projects/{id}/closing", result_of(Member.close_project))
def close(write: Writes, id: Id, body: ClosingNote) -> Response:
    """Propose that a project closes, as `weal project close`."""
    return write(lambda me: me.close_project(id, note=body.note), body)
