"""Taking in contributions that are written down elsewhere: a sheet, an old home.

What is here already is not written again, so an import that was cut off is completed by calling
it again. All is checked before the first record is written. Prints nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from commonweal.client.access import HomeAccess
from commonweal.client.importers.known_events import events_naming
from commonweal.client.ledger.drafts import Drafts
from commonweal.client.ledger.fork_losses import void_records
from commonweal.client.ledger.words.texts import body_of
from commonweal.protocol.errors import NotPermitted
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.contributions.row_digests import ROW_BYTES, ROW_KEY

if TYPE_CHECKING:
    from commonweal.client.home.submit import Write, WrittenRecord
    from commonweal.node.service.events import Wish

Progress: TypeAlias = "Callable[[str, int], AbstractContextManager[Callable[[int], None]]]"
"""Is told what is taken in and of how many; gives what is told how many more are done."""


@contextmanager
def unshown(_source: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Give what ignores how far an import is."""
    yield lambda _more: None


@dataclass(frozen=True, slots=True)
class VoidRow:
    """A row, commit or record that would count for nothing.

    place: the line of a sheet; the hash of a commit; the id of a record. reason: a sentence.
    """

    place: int | bytes
    reason: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import came to. Where anything is void, nothing was written.

    source: a path. total: rows, or void records of an old home.
    here: how many of them were in the ledger before. written: how many were written now.
    """

    source: str
    total: int
    here: int
    written: int
    void: tuple[VoidRow, ...]


class Imports(HomeAccess):
    """Contributions that are written down elsewhere. Raises HomeInUse while another import runs."""

    def import_home(self, folder: Path) -> ImportResult:
        """Record again what counts for nothing in an old home of this member, as its log forked.

        Contributions are recorded on this device, with their notes. Raises NotPermitted where the
        home in `folder` is not one of this member in this community.
        """
        with self._only_import():
            lost = [loss.record for loss in void_records(Home(folder))]
            contributions = [record for record in lost if record.kind == "event"]
            wishes = self._lost_contributions(folder, contributions)
            drafts = self.view.drafts()
            void = _check(drafts, wishes)
            self.refresh()
            written = 0
            if wishes and not void:
                written = len(drafts.write(self.home, self._unlock))
        total = len(contributions)
        return ImportResult(str(folder), total, total - len(wishes), written, void)

    @contextmanager
    def _only_import(self) -> Iterator[None]:
        """Let nobody else import here meanwhile: two imports would both take in what is new."""
        with self.home.store(readonly=True):
            pass  # an older home is brought up to date before
        with self.home.importing():
            self.refresh()
            yield
            self.refresh()

    def _written(
        self, write_batch: Write, drafts: Drafts, wishes: Iterable[Wish]
    ) -> list[WrittenRecord]:
        """Write a batch of wishes that depend on nothing unsealed. Raises OverBudget.

        The view holds no snapshot meanwhile, so that the write-ahead log of the home stays short.
        """
        batch = [drafts.alone(wish)[0] for wish in wishes]
        with self.view.store.released():
            return write_batch(batch)

    def _lost_contributions(
        self, folder: Path, lost: Sequence[Record]
    ) -> list[tuple[RecordId, Wish]]:
        """Return what is to be written for contributions that are not here, with their ids."""
        from commonweal.node.service.events import Text, Wish

        store, ours = self.view.store, self.view.settings
        wishes = []
        with Home(folder).store(readonly=True) as old:
            theirs = Settings.read(old)
            if (ours.community, ours.member) != (theirs.community, theirs.member):
                raise NotPermitted(
                    self.words("{path} is not a home of yours here").format(path=folder)
                )
            here = {event.data[ROW_KEY] for event in events_naming(store, ROW_KEY, ROW_BYTES)}
            for record in lost:
                data = {ROW_KEY: bytes(record.id), **record.data}
                body = body_of(old, record.id)
                text = None if body is None else Text(*body)
                cited = tuple(id for id in record.deps if store.clock_of(id) is not None)
                if data[ROW_KEY] not in here:
                    wishes.append((record.id, Wish(record.kind, data, cited, text)))
        return wishes


def _check(drafts: Drafts, rows: Iterable[tuple[int | bytes, Wish]]) -> tuple[VoidRow, ...]:
    """Draft all rows; return those that would count for nothing. rows: each with its place."""
    void = []
    for place, wish in rows:
        reason = drafts.check(wish).reason
        if reason is not None:
            void.append(VoidRow(place, drafts.refusal(reason, wish)))
    return tuple(void)
