"""Projects as members read them: the results of `Projects`, and words for states and splits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from commonweal.client.language.words import N_
from commonweal.client.reports.money_flow import PoolFlow
from commonweal.client.sharing.shares import UnitAmount
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.ventures.projects import projects as ledger
from commonweal.protocol.records.record import RecordId

PROJECT_STATES = {
    ledger.OPEN: N_("open"),
    ledger.CLOSED: N_("closed"),
    ledger.VOID: N_("void: its name was in use as a scope"),
}
"""How a project stands, and the words for it."""
CAUSES = {
    ledger.BY_VOTE: N_("its members closed it by vote"),
    ledger.BY_END: N_("its end came"),
    ledger.BY_NOBODY: N_("everybody left it"),
    ledger.BY_SCOPE: N_("contributions had its name as scope before, or a rule has"),
}
"""Why a project is open no more."""


@dataclass(frozen=True, slots=True)
class ListedProject:
    """A project. state: a key of PROJECT_STATES; cause: of CAUSES, empty while it is open.

    members: how many are in it. tasks: how many are open. since: the height with which it began;
    None while no seal covers it. end_ms: ms since 1970; None where only a vote ends it. closing:
    the vote to close it, if one is open. held: what its pools have.
    """

    id: RecordId
    name: str
    purpose: str
    state: str
    cause: str
    split: str
    opener: MemberId
    opener_name: str
    members: int
    tasks: int
    since: int | None
    closed: int | None
    end_ms: int | None
    closing: RecordId | None
    held: tuple[UnitAmount, ...]
    mine: bool
    final: bool


@dataclass(frozen=True, slots=True)
class ProjectMember:
    """A member who is in a project. since_ms: the seal's time at which they came; 0: none yet."""

    member: MemberId
    member_name: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class ProjectTask:
    """A task. asker: who needs the work, a member or the community. left: what nobody promised.

    takers: who promised some of it. for_community: who takes it promises it at once; else it is
    proposed as a deal. acts: take.
    """

    id: RecordId
    title: str
    quantity: Decimal
    left: Decimal
    done: Decimal
    unit: str
    asker: bytes
    asker_name: str
    due_ms: int | None
    for_community: bool
    state: str
    takers: tuple[str, ...]
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectGiver:
    """What a member gave in the scope of a project: how many contributions, and their points."""

    member: bytes
    member_name: str
    contributions: int
    points: int


@dataclass(frozen=True, slots=True)
class ProjectDetails(ListedProject):
    """A project with its people, tasks, what was given, and its money.

    money: of each unit: what came, less what left with its scope. acts: what this member can do:
    join, leave, task, close.
    """

    people: tuple[ProjectMember, ...]
    work: tuple[ProjectTask, ...]
    given: tuple[ProjectGiver, ...]
    money: tuple[PoolFlow, ...]
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that was written."""

    id: RecordId
    seq: int
    name: str


@dataclass(frozen=True, slots=True)
class ProjectAct:
    """What was written about a project: to join, to leave, a task, a promise, a vote to close."""

    id: RecordId
    seq: int
    project: RecordId
    name: str


@dataclass(frozen=True, slots=True)
class ProjectTotal:
    """What came to the community in a unit: in all, for projects, and without them."""

    unit: str
    came: Decimal
    of_projects: Decimal
    without: Decimal
