"""Projects: who is in them, and the scope that each owns until it closes.

Records:
  project        name: the scope that the project owns; split: of what is left when it closes,
                 "equal", "points" or "community"; end: ms since 1970, optional; the body says what
                 it is for
  project.join   project: the author's member is in it
  project.leave  project: the author's member is in it no longer
Who opens a project is in it. A name looks like no other project's, for ever. A project begins with
the seal that covers its record, unless something was booked under its name before or a bucket of
the rules names it as scope: then it is void, so that nobody takes over what a scope earns.
What came for it is in `pools_of_projects`, its end in `dissolution`. State: 9J projects, 9d their
names, 9n their members, 9Z those that are open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from commonweal.protocol.ledger.exchange.times import now_ms
from commonweal.protocol.ledger.members import registry, roles
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import booked_in_scope
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import is_name, skeleton

if TYPE_CHECKING:
    from commonweal.protocol.rules.document import Ruleset

PROJECT, PROJECT_LOOK = Table.PROJECT.prefix, Table.PROJECT_LOOK.prefix
PROJECT_MEMBER, OPEN_PROJECT = Table.PROJECT_MEMBER.prefix, Table.OPEN_PROJECT.prefix

EQUAL, POINTS, COMMUNITY = "equal", "points", "community"
SPLITS = (EQUAL, POINTS, COMMUNITY)

OPEN, CLOSED, VOID = "open", "closed", "void"

BY_VOTE, BY_END, BY_NOBODY, BY_SCOPE = "vote", "end", "nobody", "scope"
"""Why a project is open no more: its members voted, its end came, everybody left, or its name was
in use as a scope."""

_ID_BYTES = 32


class ProjectRow(NamedTuple):
    """A project in the state.

    end_ms: the first seal from then on closes it; None: only its members do. members: how many are
    in it. since: the height with which it began; 0 until a seal covers it. status: OPEN, CLOSED or
    VOID. height: of the seal that closed it, or made it void; cause: why.
    """

    member: bytes
    clock: int
    name: str
    split: str
    end_ms: int | None
    members: int
    since: int = 0
    status: str = OPEN
    height: int = 0
    cause: str = ""


class ProjectMemberRow(NamedTuple):
    """A member of a project. since_ms: the time of the seal at which they came."""

    since_ms: int
    clock: int
    is_in: bool


def open_project(state: State, record: Record, context: Context) -> Verdict:
    """Open a project; the author's member is in it."""
    name, split, end_ms = (record.data.get(key) for key in ("name", "split", "end"))
    if not is_name(name) or split not in SPLITS or record.body is None:
        return Reason.SHAPE
    if end_ms is not None and not is_count(end_ms):
        return Reason.SHAPE
    opener = context.rules.project_opener
    if opener and not roles.holds(state, context.member, opener):
        return Reason.NOT_AN_OPENER
    mine = OPEN_PROJECT + context.member
    if sum(1 for _ in state.items(mine)) >= context.rules.projects_open:
        return Reason.TOO_MANY_PROJECTS
    if end_ms is not None and end_ms <= now_ms(state, context):
        return Reason.ENDS_IN_THE_PAST
    look = PROJECT_LOOK + skeleton(name).encode()
    if state.get(look) is not None:
        return Reason.NAME_TAKEN
    row = ProjectRow(context.member, record.clock, name, split, end_ms, 1)
    state.put(PROJECT + record.id, [*row])
    state.put(look, record.id)
    state.put(mine + record.id, True)
    _put_member(state, record.id, context.member, now_ms(state, context), record.clock)
    return None


def join(state: State, record: Record, context: Context) -> Verdict:
    """Let the author's member be in a project."""
    project: Any = record.data.get("project")
    row = _open_row(state, project)
    if isinstance(row, Reason):
        return row
    if is_in(state, project, context.member):
        return Reason.NOTHING_NEW
    _put_member(state, project, context.member, now_ms(state, context), record.clock)
    put_project(state, project, row._replace(members=row.members + 1))
    return None


def leave(state: State, record: Record, context: Context) -> Verdict:
    """Let the author's member be in a project no longer."""
    project: Any = record.data.get("project")
    row = _open_row(state, project)
    if isinstance(row, Reason):
        return row
    if not is_in(state, project, context.member):
        return Reason.NOT_IN_PROJECT
    _take_out(state, project, row, context.member)
    return None


def leave_all(state: State, member: bytes) -> None:
    """Take a member out of every open project, because their membership ended."""
    for project in open_projects(state):
        row = project_row(state, project)
        if row is not None and is_in(state, project, member):
            _take_out(state, project, row, member)


def begin(state: State, height: int, ruleset: Ruleset) -> None:
    """Begin the projects that a cut newly covers, unless their name is in use as a scope.

    state: holds all that the cut of this height covers, as it was booked.
    """
    taken = {bucket.scope for pool in ruleset.pools for bucket in pool.buckets}
    for project in open_projects(state):
        row = project_row(state, project)
        if row is None or row.since:
            continue
        if row.name in taken or booked_in_scope(state, row.name, height):
            end_project(state, project, row._replace(status=VOID, height=height, cause=BY_SCOPE))
            state.delete(PROJECT_LOOK + skeleton(row.name).encode())
        else:
            put_project(state, project, row._replace(since=height))


def end_project(state: State, project: bytes, row: ProjectRow) -> None:
    """Write a project that is open no more."""
    put_project(state, project, row)
    state.delete(OPEN_PROJECT + row.member + project)


def deadlines(state: State, time_ms: int) -> Iterator[int]:
    """Yield when projects end. time_ms: of the last cut, which may be full."""
    for project in open_projects(state):
        row = project_row(state, project)
        if row is not None and not row.members:
            yield time_ms + 1
        elif row is not None and row.end_ms is not None:
            yield max(row.end_ms, time_ms + 1)


def project_row(state: State, project: bytes) -> ProjectRow | None:
    """Return a project; None when there is none of this id."""
    value = state.get(PROJECT + project)
    return None if value is None else ProjectRow(*value)


def put_project(state: State, project: bytes, row: ProjectRow) -> None:
    """Write a project."""
    state.put(PROJECT + project, [*row])


def project_of(state: State, scope: str) -> bytes | None:
    """Return the open project that owns a scope; None where no such project is open."""
    project: bytes | None = state.get(PROJECT_LOOK + skeleton(scope).encode())
    row = None if project is None else project_row(state, project)
    return project if row is not None and row.name == scope and row.status == OPEN else None


def open_projects(state: State) -> list[bytes]:
    """Return every open project, by who opened it and id."""
    return [key[-_ID_BYTES:] for key, _ in state.items(OPEN_PROJECT)]


def member_rows(state: State, project: bytes) -> Iterable[tuple[bytes, ProjectMemberRow]]:
    """Yield everybody who is or was in a project, by member."""
    prefix = PROJECT_MEMBER + project
    for key, value in state.items(prefix):
        yield key[len(prefix) :], ProjectMemberRow(*value)


def members_of(state: State, project: bytes) -> list[bytes]:
    """Return who is in a project now, by member."""
    return [
        member
        for member, row in member_rows(state, project)
        if row.is_in and registry.is_active(state, member)
    ]


def is_in(state: State, project: bytes, member: bytes) -> bool:
    """Return whether a member is in a project."""
    value = state.get(PROJECT_MEMBER + project + member)
    return value is not None and ProjectMemberRow(*value).is_in


def _open_row(state: State, project: object) -> ProjectRow | Reason:
    if not is_bytes(project):
        return Reason.SHAPE
    row = project_row(state, project)
    if row is None:
        return Reason.UNKNOWN_PROJECT
    return row if row.status == OPEN else Reason.PROJECT_CLOSED


def _put_member(state: State, project: bytes, member: bytes, since_ms: int, clock: int) -> None:
    state.put(PROJECT_MEMBER + project + member, [*ProjectMemberRow(since_ms, clock, True)])


def _take_out(state: State, project: bytes, row: ProjectRow, member: bytes) -> None:
    key = PROJECT_MEMBER + project + member
    state.put(key, [*ProjectMemberRow(*state.get(key))._replace(is_in=False)])
    put_project(state, project, row._replace(members=row.members - 1))
