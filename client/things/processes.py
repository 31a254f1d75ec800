"""Processes: begun, listed and ended. Contributions name them as what they go into or come from."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.language.quantity import read_scope
from commonweal.client.ledger.names.named import PROCESS_NAMES, find_process, spec_named
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.things.event_row import INPUT, OF_PROCESS, OUTPUT
from commonweal.protocol.ledger.things.units_and_specs import PROCESS, ProcessRow
from commonweal.protocol.records.record import RecordId


@dataclass(frozen=True, slots=True)
class ListedProcess:
    """A process. name: of its kind. inputs, outputs: how many contributions name it so."""

    id: RecordId
    name: str | None
    scope: str | None
    member: MemberId
    member_name: str
    inputs: int
    outputs: int
    ended: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class NewProcess:
    """A process that was begun. specification: its kind."""

    id: RecordId
    seq: int
    specification: RecordId


@dataclass(frozen=True, slots=True)
class EndedProcess:
    """A process that was ended: contributions name it no more."""

    id: RecordId
    seq: int
    process: RecordId


class Processes(HomeAccess):
    """What takes inputs and gives outputs."""

    def processes(self, *, ended: bool = False) -> list[ListedProcess]:
        """Return the processes that go on, the oldest first; ended: those too that have ended."""
        rows = [(ProcessRow(*value), key) for key, value in self.view.state.items(PROCESS)]
        rows.sort(key=lambda pair: (pair[0].clock, pair[1]))
        return [self._process(key[1:], row) for row, key in rows if ended or row.ended is None]

    def begin_process(
        self, name: str, *, scope: str | None = None, note: str | None = None
    ) -> NewProcess:
        """Begin a process of the kind `name`, which is defined where none has this name."""
        data: dict[str, object] = {}
        if scope is not None:
            data["inScopeOf"] = read_scope(scope, self.words)
        body = note_body(note, words=self.words)
        drafts, spec = self.view.drafts(), spec_named(self.view, name, PROCESS_NAMES)
        known = drafts.add(wish_of("spec.process", {"name": name})) if spec is None else spec
        drafts.add(wish_of("process", {**data, "basedOn": bytes(known)}, (), body))
        *specified, written = self._write_drafts(drafts)
        return NewProcess(written.id, written.seq, specified[0].id if specified else known)

    def end_process(self, process: str | bytes) -> EndedProcess:
        """End a process that this member began. Raises UnknownId, AmbiguousId, WouldNotCount."""
        chosen = find_process(self.view, prefix(process))
        written = self._write_one("process.end", {"process": bytes(chosen)})
        return EndedProcess(written.id, written.seq, chosen)

    def _process(self, id: bytes, row: ProcessRow) -> ListedProcess:
        view, member = self.view, MemberId(row.member)
        return ListedProcess(
            id=RecordId(id),
            name=spec_name(view, row.spec),
            scope=row.scope,
            member=member,
            member_name=view.name(member),
            inputs=sum(1 for _ in view.state.items(OF_PROCESS + id + INPUT)),
            outputs=sum(1 for _ in view.state.items(OF_PROCESS + id + OUTPUT)),
            ended=row.ended is not None,
            note=text_of(view.store, RecordId(id)),
        )
