"""Things, processes, units, kinds of things, and agents outside."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response

from commonweal.client.member import Member
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import result_of, rows_of
from commonweal.web.api.parameters import Filter, Id, Name, NameText, NoteText, NumberText

router = SubjectRouter(tags=["things"])


class NewThing(Body):
    """A thing that comes into the books. common: it is the community's."""

    name: NameText
    quantity: NumberText
    unit: NameText
    factor: NameText | None = None
    common: bool = False
    note: NoteText | None = None


class Handover(Body):
    """How much of a thing goes back; all of it where quantity and unit are null."""

    quantity: NumberText | None = None
    unit: NameText | None = None
    note: NoteText | None = None


class Loan(Handover):
    """How much of a thing goes to its receiver, named by name or id."""

    receiver: NameText


class NamedThing(Body):
    """A name."""

    name: NameText


class NewProcessBody(NamedThing):
    """A process that begins: of which kind, and for which project or place."""

    scope: NameText | None = None
    note: NoteText | None = None


class NewKind(NamedThing):
    """A kind of thing or of process; units and factor are those of a thing."""

    sort: Literal["resource", "process"]
    unit: NameText | None = None
    effort_unit: NameText | None = None
    factor: NameText | None = None


@router.reads("/resources", rows_of("resources", Member.resources))
def resources(me: Reader, page: Page, name: Filter = None, member: Filter = None) -> Any:
    """What there is, as `weal resource list`."""
    rows, rest = page.part(me.resources(name=name, member=member), lambda row: row.id)
    return {"resources": rows, "next": rest}


@router.reads("/resources/{id}", result_of(Member.resource))
def resource(me: Reader, id: Id) -> Any:
    """A thing, and what changed it, as `weal resource show`."""
    return me.resource(id)


@router.writes("/resources", result_of(Member.add_resource))
def add_resource(write: Writes, body: NewThing) -> Response:
    """Bring a thing into the books, as `weal resource new`."""
    more = {"factor": body.factor, "common": body.common, "note": body.note}
    return write(
        lambda me: me.add_resource(body.name, body.quantity, body.unit, **more),  # type: ignore[arg-type]
        body,
    )


@router.writes("/resources/{id}/loans", result_of(Member.lend))
def lend(write: Writes, id: Id, body: Loan) -> Response:
    """Hand a thing over to somebody who does not become its owner, as `weal resource lend`."""
    return write(lambda me: me.lend(id, body.receiver, _amount(body), note=body.note), body)


@router.writes("/resources/{id}/returns", result_of(Member.give_back))
def give_back(write: Writes, id: Id, body: Handover) -> Response:
    """Hand a thing back to who lent it, as `weal resource return`."""
    return write(lambda me: me.give_back(id, _amount(body), note=body.note), body)


@router.reads("/units", rows_of("units", Member.units))
def units(me: Reader, page: Page) -> Any:
    """The units in which things are counted, as `weal unit list`."""
    rows, rest = page.part(me.units(), lambda row: row.unit)
    return {"units": rows, "next": rest}


@router.writes("/units", result_of(Member.add_unit))
def add_unit(write: Writes, body: NamedThing) -> Response:
    """Add a unit, as `weal unit new`."""
    return write(lambda me: me.add_unit(body.name), body)


@router.reads("/specifications", rows_of("specifications", Member.specifications))
def specifications(me: Reader, page: Page) -> Any:
    """The kinds of things and of processes, as `weal spec list`."""
    rows, rest = page.part(me.specifications(), lambda row: row.id)
    return {"specifications": rows, "next": rest}


@router.writes("/specifications", result_of(Member.specify_process))
def specify(write: Writes, body: NewKind) -> Response:
    """Define a kind of thing or of process, as `weal spec resource` and `weal spec process`."""
    if body.sort == "process":
        return write(lambda me: me.specify_process(body.name), body)
    more = {"unit": body.unit, "effort_unit": body.effort_unit, "factor": body.factor}
    return write(lambda me: me.specify_resource(body.name, **more), body)


@router.reads("/processes", rows_of("processes", Member.processes))
def processes(me: Reader, page: Page, ended: bool = False) -> Any:
    """The processes that go on, as `weal process list`; ended: those too that have ended."""
    rows, rest = page.part(me.processes(ended=ended), lambda row: row.id)
    return {"processes": rows, "next": rest}


@router.writes("/processes", result_of(Member.begin_process))
def begin_process(write: Writes, body: NewProcessBody) -> Response:
    """Begin a process, as `weal process new`."""
    return write(lambda me: me.begin_process(body.name, scope=body.scope, note=body.note), body)


@router.writes("/processes/{id}/end", result_of(Member.end_process))
def end_process(write: Writes, id: Id) -> Response:
    """End a process of this member, as `weal process end`."""
    return write(lambda me: me.end_process(id))


@router.reads("/agents", rows_of("agents", Member.outside_agents))
def agents(me: Reader, page: Page) -> Any:
    """The agents outside, as `weal agent list`."""
    rows, rest = page.part(me.outside_agents(), lambda row: row.agent)
    return {"agents": rows, "next": rest}


@router.writes("/agents", result_of(Member.new_agent))
def new_agent(write: Writes, body: NamedThing) -> Response:
    """Name somebody outside who was in no record so far, as `weal agent new`."""
    return write(lambda me: me.new_agent(body.name), body)


@router.writes("/agents/{agent}/name", result_of(Member.name_agent))
def name_agent(write: Writes, agent: Name, body: NamedThing) -> Response:
    """Name an agent outside, as `weal agent name`."""
    return write(lambda me: me.name_agent(agent, body.name), body)


@router.writes("/agents/{agent}/claims", result_of(Member.claim_agent))
def claim_agent(write: Writes, agent: Name) -> Response:
    """Say that this member is an agent outside, as `weal agent claim`."""
    return write(lambda me: me.claim_agent(agent))


def _amount(body: Handover) -> tuple[str, str] | None:
    if body.quantity is None or body.unit is None:
        return None
    return body.quantity, body.unit
