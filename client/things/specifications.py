"""Specifications: the kinds of things and of processes that a community has names for."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.access import HomeAccess
from commonweal.client.language.quantity import read_unit
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.records.record import RecordId


@dataclass(frozen=True, slots=True)
class ListedSpecification:
    """A kind of thing or process. sort: "resource" or "process".

    unit, effort_unit: the only ones that its events may use; None for any. factor: of production.
    """

    id: RecordId
    sort: str
    name: str
    unit: str | None
    effort_unit: str | None
    factor: str | None
    member: MemberId
    member_name: str


@dataclass(frozen=True, slots=True)
class NewSpecification:
    """A kind of thing or process that was defined."""

    id: RecordId
    seq: int


class Specifications(HomeAccess):
    """Kinds of things and of processes."""

    def specifications(self) -> list[ListedSpecification]:
        """Return the kinds of things and of processes, by name."""
        view, rows = self.view, []
        for key, value in view.state.items(units_and_specs.SPEC):
            row = units_and_specs.SpecRow(*value)
            member = MemberId(row.member)
            units = (row.unit, row.effort_unit, row.factor)
            spec = (RecordId(key[1:]), "resource", row.name, *units)
            rows.append(ListedSpecification(*spec, member, view.name(member)))
        for key, (name, author) in view.state.items(units_and_specs.PROCESS_SPEC):
            member = MemberId(author)
            spec = (RecordId(key[1:]), "process", name, None, None, None)
            rows.append(ListedSpecification(*spec, member, view.name(member)))
        return sorted(rows, key=lambda row: (row.sort, row.name))

    def specify_resource(
        self,
        name: str,
        *,
        unit: str | None = None,
        effort_unit: str | None = None,
        factor: str | None = None,
    ) -> NewSpecification:
        """Define a kind of thing. Raises WouldNotCount, also for a name that is taken."""
        units = {"unit": unit, "effortUnit": effort_unit}
        data = {
            key: read_unit(typed, self.words) for key, typed in units.items() if typed is not None
        }
        data |= {"name": name} if factor is None else {"name": name, "factor": factor}
        written = self._write_one("spec.resource", data)
        return NewSpecification(written.id, written.seq)

    def specify_process(self, name: str) -> NewSpecification:
        """Define a kind of process, which is a stage of what comes out of it."""
        written = self._write_one("spec.process", {"name": name})
        return NewSpecification(written.id, written.seq)
