"""How projects stand: read from the state of all that is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commonweal.client.exchange.offer_rows import sealed_at, texts
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.names.directory import begins
from commonweal.client.ledger.words.texts import text_of
from commonweal.client.reports.money_flow import money_flow
from commonweal.client.sharing.shares import UnitAmount
from commonweal.client.ventures.projects.rows import (
    ListedProject,
    ProjectDetails,
    ProjectGiver,
    ProjectMember,
    ProjectTask,
)
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, PROMISED, CommitmentRow
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.governance import proposals
from commonweal.protocol.ledger.ventures.projects import projects as ledger
from commonweal.protocol.ledger.ventures.projects.pools_of_projects import pools_of
from commonweal.protocol.ledger.ventures.projects.projects import PROJECT, ProjectRow
from commonweal.protocol.ledger.ventures.projects.tasks import tasks_of
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import PROJECT_POOL, skeleton
from commonweal.storage.ledger.views.column_amounts import halves, whole

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


def find_project(view: LedgerView, text: str) -> RecordId:
    """Return the project of a name, or whose id begins so. Raises UnknownId, AmbiguousId."""
    named: bytes | None = view.state.get(ledger.PROJECT_LOOK + skeleton(text).encode())
    if named is not None:
        return RecordId(named)
    known = (RecordId(key[len(PROJECT) :]) for key, _ in view.state.items(PROJECT))
    try:
        return begins(known, text)
    except UnknownId:
        raise UnknownId(view.words("no project is called {name}").format(name=text)) from None


def project(view: LedgerView, id: bytes) -> ProjectRow:
    """Return the row of a project that is known."""
    row = ledger.project_row(view.state, id)
    assert row is not None, "the project is known"
    return row


def listed_project(view: LedgerView, id: bytes) -> ListedProject:
    """Return a project as lists have it."""
    state, row = view.state, project(view, id)
    held = (
        UnitAmount(pool.unit, exact(pools.pool_row(view.final, pool).carried, pool.scale))
        for pool in pools_of(view.final, row.name)
    )
    tasks = [task_of(view, RecordId(task)) for task in tasks_of(state, id)]
    return ListedProject(
        id=RecordId(id),
        name=row.name,
        purpose=text_of(view.store, RecordId(id)) or "",
        state=row.status,
        cause=row.cause,
        split=row.split,
        opener=MemberId(row.member),
        opener_name=view.name(row.member),
        members=row.members,
        tasks=sum(task.state == intents.OPEN and task.left > 0 for task in tasks),
        since=row.since or None,
        closed=row.height or None,
        end_ms=row.end_ms,
        closing=closing_vote(view, id),
        held=tuple(held),
        mine=ledger.is_in(state, id, view.me),
        final=ledger.project_row(view.final, id) == row,
    )


def project_details(view: LedgerView, id: bytes) -> ProjectDetails:
    """Return a project with all that belongs to it."""
    listed = listed_project(view, id)
    came = [(row, member) for member, row in ledger.member_rows(view.state, id) if row.is_in]
    people = [
        ProjectMember(MemberId(member), view.name(member), row.since_ms)
        for row, member in sorted(came, key=lambda pair: (pair[0].clock, pair[1]))
    ]
    ids = [RecordId(task) for task in tasks_of(view.state, id)]
    takers = _takers(view, ids)
    work = [task_of(view, task, tuple(takers.get(task, ()))) for task in ids]
    return ProjectDetails(
        **fields_of(listed),
        people=tuple(people),
        work=tuple(sorted(work, key=lambda task: (not task.acts, task.due_ms or 0, task.id))),
        given=tuple(_given(view, listed.name)),
        money=tuple(
            flow for flow in money_flow(view).pools if flow.pool == PROJECT_POOL + listed.name
        ),
        acts=_acts(listed),
    )


def closing_vote(view: LedgerView, project: bytes) -> RecordId | None:
    """Return the vote to close a project that is open, or about to open; None without one."""
    for key, _ in view.state.items(proposals.OPEN):
        id = key[len(proposals.OPEN) :]
        row = proposals.proposal_row(view.state, id)
        if row is not None and row.subject == proposals.PROJECT and row.target == project:
            return RecordId(id)
    return None


def task_of(view: LedgerView, id: RecordId, takers: Sequence[str] = ()) -> ProjectTask:
    """Return a task as it is read. takers: the names of who promised some of it."""
    row = intents.intent_row(view.state, id)
    assert row is not None and row.receiver is not None, "a task is work that somebody needs"
    limit, left = row.limit, row.left
    is_open = row.is_open(sealed_at(view))
    for_community = row.receiver == view.community
    can_take = is_open and left.n > 0 and row.receiver != view.me
    return ProjectTask(
        id=id,
        title=texts(view, id)[0],
        quantity=exact(limit.n, limit.scale),
        left=exact(left.n, left.scale),
        done=exact(*row.met[:2]),
        unit=limit.unit,
        asker=row.receiver,
        asker_name=view.name(row.receiver),
        due_ms=row.due,
        for_community=for_community,
        state=row.status,
        takers=tuple(takers),
        acts=("take",) if can_take else (),
    )


def _takers(view: LedgerView, tasks: Sequence[bytes]) -> dict[bytes, dict[str, None]]:
    """Return the names of who promised some of each task, each once."""
    names: dict[bytes, dict[str, None]] = {}
    for _, value in view.state.items(COMMITMENT) if tasks else ():
        row = CommitmentRow(*value)
        for task in row.satisfies if row.status in PROMISED else ():
            names.setdefault(task, {})[view.name(row.provider)] = None
    return names


def _given(view: LedgerView, scope: str) -> list[ProjectGiver]:
    """Return what members gave in a scope, who gave most first."""
    rows = view.kept.layers.rows(_GIVEN, (scope,))
    given = [
        ProjectGiver(member, view.name(member), contributions, whole(high, low))
        for member, contributions, high, low in rows
        if member != view.community
    ]
    return sorted(given, key=lambda giver: -giver.points)


_GIVEN = f"""
    SELECT provider, count(*), {halves("points")} FROM event_row
    WHERE scope = ? AND points IS NOT NULL GROUP BY provider ORDER BY 1
"""  # noqa: S608


def _acts(listed: ListedProject) -> tuple[str, ...]:
    """Return what this member can do about a project."""
    if listed.state != ledger.OPEN:
        return ()
    if not listed.mine:
        return ("join",)
    return ("task", "leave") if listed.closing is not None else ("task", "close", "leave")
