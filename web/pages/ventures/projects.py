"""Projects: which there are, and one with its purpose, people, work, gifts and money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from commonweal.client.member import Member
from commonweal.client.reports.money_flow import MoneyFlow
from commonweal.client.sharing.project_splits import SPLIT_WORDS
from commonweal.client.ventures.projects import rows
from commonweal.client.ventures.projects.projects import TASK_UNIT
from commonweal.client.ventures.projects.rows import ListedProject
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.ventures.projects.projects import EQUAL, OPEN, SPLITS
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.returns.money_pictures import flow_pictures

router = APIRouter()

SHOWN_MAX = 100
"""Projects, people, tasks and givers that one page shows."""


@router.get("/projects")
def projects(page: Page) -> Response:
    """Show the projects that are open, and a form to open one."""
    return _list(page)


@router.post("/projects")
def open_project(page: Page) -> Response:
    """Open a project."""
    typed = {name: page.field(name) for name in ("name", "purpose", "split", "until")}
    more: dict[str, Any] = {"split": typed["split"] or EQUAL, "until": typed["until"] or None}
    try:
        made = page.act(lambda me: me.open_project(typed["name"], typed["purpose"], **more))
    except CommonwealError as error:
        return _list(page, 422, typed=typed, error=page.sentence(error))
    return page.go(f"/projects/{made.id.hex()}", page.words("The project is open; you are in it."))


@router.get("/projects/{named}")
def project(page: Page, named: str) -> Response:
    """Show one project, by its name or id."""
    return _details(page, named)


@router.get("/projects/{named}/{act}")
def back(page: Page, named: str, act: str) -> Response:
    """Lead from the address of an act to the project, as after a change of the language."""
    return page.go(f"/projects/{quote(named, safe='')}", at=act)


@router.post("/projects/{named}/join")
def join(page: Page, named: str) -> Response:
    """Be in it."""
    return _act(page, named, lambda me: me.join_project(named), page.words("You are in it."))


@router.post("/projects/{named}/leave")
def leave(page: Page, named: str) -> Response:
    """Be in it no longer."""
    return _act(page, named, lambda me: me.leave_project(named), page.words("You left it."))


@router.post("/projects/{named}/task")
def add_task(page: Page, named: str) -> Response:
    """Ask for work."""
    typed = {name: page.field(name) for name in ("what", "quantity", "unit", "due")}
    said = (typed["what"], typed["quantity"], typed["unit"] or TASK_UNIT)
    notice = page.words("The work is asked for.")
    return _act(
        page,
        named,
        lambda me: me.add_task(named, *said, due=typed["due"] or None),
        notice,
        place="work",
        typed=typed,
    )


@router.post("/projects/{named}/take")
def take(page: Page, named: str) -> Response:
    """Promise a task."""
    task, quantity = page.field("task"), page.field("quantity") or None
    notice = page.words("You promised it.")
    return _act(page, named, lambda me: me.take_task(task, quantity), notice, place="work")


@router.post("/projects/{named}/close")
def close(page: Page, named: str) -> Response:
    """Propose that it closes."""
    note = page.field("note") or None
    notice = page.words("Its members vote on it; the vote opens with the next seal.")
    return _act(page, named, lambda me: me.close_project(named, note=note), notice, place="acts")


def address(row: ListedProject) -> str:
    """Return the address of a project: by its name, where that fits into one."""
    is_plain = "/" not in row.name and row.name not in (".", "..")
    return f"/projects/{quote(row.name, safe='') if is_plain else row.id.hex()}"


def _list(page: PageRequest, status: int = 200, **more: Any) -> Response:
    closed = bool(page.query("closed"))
    with page.member() as member:
        listed = member.projects(closed=closed)
        totals = member.project_totals()
        states = member.record_states([row.id for row in listed[:SHOWN_MAX]])
    values = {"typed": {"split": EQUAL}, "error": "", **more}
    values["typed"] = defaultdict(str, values["typed"])
    return page.show(
        "ventures/projects.html",
        status,
        projects=listed[:SHOWN_MAX],
        in_all=len(listed),
        totals=[row for row in totals if row.of_projects],
        states=states,
        closed=closed,
        split_choices=[(split, page.words(SPLIT_WORDS[split])) for split in SPLITS],
        **_telling(),
        **values,
    )


def _act(
    page: PageRequest,
    named: str,
    act: Callable[[Member], object],
    notice: str,
    *,
    place: str = "acts",
    typed: dict[str, str] | None = None,
) -> Response:
    try:
        page.act(act)
    except CommonwealError as error:
        return _details(page, named, 422, wrong={place: page.sentence(error)}, typed=typed)
    return page.go(f"/projects/{quote(named, safe='')}", notice, at=place)


def _details(
    page: PageRequest,
    named: str,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with page.member() as member:
        known = member.project(named)
        states = member.record_states([known.id])
        height = member.view.kept.cut.height
    money = MoneyFlow(height, known.money)
    return page.show(
        "ventures/project.html",
        status,
        project=known,
        state=states.get(known.id),
        flows=flow_pictures(money, page.words),
        shown_max=SHOWN_MAX,
        wrong=defaultdict(str, wrong or {}),
        typed=defaultdict(str, typed or {}),
        **_telling(),
    )


def _telling() -> dict[str, Any]:
    return {
        "project_address": address,
        "splits": {split: SPLIT_WORDS[split] for split in SPLITS},
        "project_states": rows.PROJECT_STATES,
        "causes": rows.CAUSES,
        "open_state": OPEN,
    }
