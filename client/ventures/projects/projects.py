"""Projects: members open one, join it, ask for work and take it, and close it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import quantity_field, read_quantity, read_scope
from commonweal.client.language.times import read_due_ms
from commonweal.client.ledger.names.directory import begins
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.reports.money_flow import money_flow
from commonweal.client.ventures.projects.rows import (
    ListedProject,
    NewProject,
    ProjectAct,
    ProjectDetails,
    ProjectTotal,
)
from commonweal.client.ventures.projects.states import (
    find_project,
    listed_project,
    project,
    project_details,
    task_of,
)
from commonweal.protocol.errors import UsageError, WouldNotCount
from commonweal.protocol.ledger.members import roles
from commonweal.protocol.ledger.ventures.projects import projects as ledger
from commonweal.protocol.ledger.ventures.projects.projects import PROJECT
from commonweal.protocol.ledger.ventures.projects.tasks import TASK
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import PROJECT_POOL

TASK_UNIT = "hour"


class Projects(HomeAccess):
    """What members undertake together, with a pool of its own."""

    def projects(self, *, closed: bool = False) -> list[ListedProject]:
        """Return the projects, those of this member first, then by name. closed: all, else open."""
        rows = [listed_project(self.view, key[len(PROJECT) :]) for key, _ in self._known()]
        fitting = [row for row in rows if closed or row.state == ledger.OPEN]
        return sorted(fitting, key=lambda row: (row.closed or 0, not row.mine, row.name))

    def project(self, named: str | bytes) -> ProjectDetails:
        """Return a project, by its name or id. Raises UnknownId, AmbiguousId."""
        return project_details(self.view, find_project(self.view, prefix(named)))

    def open_project(
        self, name: str, purpose: str, *, split: str = ledger.EQUAL, until: str | None = None
    ) -> NewProject:
        """Open a project; this member is in it.

        name: the scope that it owns. purpose: what it is for; it can be erased. split: what becomes
        of the rest: "equal", "points" or "community". until: when it ends by itself, as a day is
        typed. Raises UnreadableTime, UnusableText, WouldNotCount.
        """
        scope = read_scope(name, self.words)
        body = note_body(purpose, words=self.words)
        if body is None:
            raise UsageError(self.words("say in some words what the project is for"))
        self._refuse_scope_in_use(scope)
        data: dict[str, Any] = {"name": scope, "split": split}
        if until is not None:
            data["end"] = read_due_ms(until, now_ms())
        written = self._write_one("project", data, (), body)
        return NewProject(written.id, written.seq, scope)

    def join_project(self, named: str | bytes) -> ProjectAct:
        """Be in a project from now on. Raises UnknownId, AmbiguousId, WouldNotCount."""
        return self._act(named, "project.join")

    def leave_project(self, named: str | bytes) -> ProjectAct:
        """Be in a project no longer. Raises UnknownId, AmbiguousId, WouldNotCount."""
        return self._act(named, "project.leave")

    def close_project(self, named: str | bytes, *, note: str | None = None) -> ProjectAct:
        """Propose that a project closes; its members vote. note: why; it is never erased.

        Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        id = find_project(self.view, prefix(named))
        body = note_body(note, permanent=True, words=self.words)
        data = {"subject": "project", "project": bytes(id)}
        written = self._write_one("rules.propose", data, (id,), body)
        return ProjectAct(written.id, written.seq, id, project(self.view, id).name)

    def add_task(
        self,
        named: str | bytes,
        what: str,
        quantity: str | int | Decimal,
        unit: str = TASK_UNIT,
        *,
        due: str | None = None,
    ) -> ProjectAct:
        """Ask for work for a project: for the community, where this member may speak for it.

        Else this member asks, and agrees with who offers it. Raises UnknownId, AmbiguousId,
        UnreadableQuantity, AmbiguousUnit, UnreadableTime, UnusableText, WouldNotCount.
        """
        view = self.view
        id = find_project(view, prefix(named))
        speaker = view.kept.rules.speaks_for_community
        speaks = not speaker or roles.holds(view.state, view.me, speaker)
        read = read_quantity(str(quantity), unit, self.words)
        data: dict[str, Any] = {
            "action": "work",
            "receiver": bytes(view.community if speaks else view.me),
            quantity_field("work", str(read["unit"])): read,
            "inScopeOf": project(view, id).name,
        }
        if due is not None:
            data["due"] = read_due_ms(due, now_ms())
        written = self._write_one("intent", data, (id,), note_body(what, words=self.words))
        return ProjectAct(written.id, written.seq, id, project(self.view, id).name)

    def take_task(
        self, task: str | bytes, quantity: str | int | Decimal | None = None
    ) -> ProjectAct:
        """Promise the work of a task, or so much of it. What a member asks for is taken by a deal.

        Raises UnknownId, AmbiguousId, UnreadableQuantity, UsageError, WouldNotCount.
        """
        view = self.view
        tasks = {key[-32:]: key[len(TASK) : -32] for key, _ in view.state.items(TASK)}
        id = begins(map(RecordId, tasks), prefix(task))
        known = task_of(view, id)
        if not known.for_community:
            text = self.words("{name} asks for this work: weal deal propose {id}")
            raise UsageError(text.format(name=known.asker_name, id=id.hex()[:8]))
        if not known.acts:
            raise WouldNotCount(self.words("nothing of the task is left to take"))
        wanted = read_quantity(str(quantity or known.left), known.unit, self.words)
        data: dict[str, Any] = {
            "action": "work",
            "provider": bytes(view.me),
            "receiver": bytes(view.community),
            quantity_field("work", known.unit): wanted,
            "satisfies": [bytes(id)],
        }
        written = self._write_one("commitment", data, (id,))
        of = RecordId(tasks[id])
        return ProjectAct(written.id, written.seq, of, project(self.view, of).name)

    def project_totals(self) -> list[ProjectTotal]:
        """Return what came to the community by unit, with projects and without them."""
        came: dict[str, list[Decimal]] = {}
        for flow in money_flow(self.view).pools:
            both = came.setdefault(flow.unit, [Decimal(0), Decimal(0)])
            both[flow.pool.startswith(PROJECT_POOL)] += flow.came
        return [
            ProjectTotal(unit, rest + of_projects, of_projects, rest)
            for unit, (rest, of_projects) in sorted(came.items())
        ]

    def _known(self) -> list[tuple[bytes, Any]]:
        return [*self.view.state.items(PROJECT)]

    def _act(self, named: str | bytes, kind: str) -> ProjectAct:
        id = find_project(self.view, prefix(named))
        written = self._write_one(kind, {"project": bytes(id)}, (id,))
        return ProjectAct(written.id, written.seq, id, project(self.view, id).name)

    def _refuse_scope_in_use(self, scope: str) -> None:
        """Raise WouldNotCount where the project would be void, since its name is in use."""
        view = self.view
        pools = view.kept.ruleset.pools
        is_taken = any(bucket.scope == scope for pool in pools for bucket in pool.buckets)
        used = view.kept.layers.rows("SELECT 1 FROM event_row WHERE scope = ? LIMIT 1", (scope,))
        if is_taken or [*used]:
            text = self.words("{name} is in use as a scope: choose another name for the project")
            raise WouldNotCount(text.format(name=scope))
