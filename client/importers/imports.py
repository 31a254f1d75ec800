"""Taking in contributions that are written down elsewhere: git commits, a sheet, an old home.

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
from commonweal.client.home.node_client import call
from commonweal.client.home.submit import WrittenRecord, writer
from commonweal.client.importers import commits
from commonweal.client.importers.commits import KnownCommits
from commonweal.client.importers.git import Repository
from commonweal.client.importers.known_events import ROW_BYTES, ROW_KEY, events_naming
from commonweal.client.importers.mailmap import Mailmap
from commonweal.client.language.quantity import read_scope
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.drafts import Drafts
from commonweal.client.ledger.fork_losses import void_records
from commonweal.client.ledger.texts import body_of
from commonweal.protocol.errors import NotPermitted
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.home.home import Home, Settings

if TYPE_CHECKING:
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

    source: a repository's name, or a path. total: commits, rows, or void records of an old home.
    here: how many of them were in the ledger before. written: how many were written now.
    """

    source: str
    total: int
    here: int
    written: int
    void: tuple[VoidRow, ...]


@dataclass(frozen=True, slots=True)
class GitImportResult(ImportResult):
    """What an import of commits came to.

    scope: what the commits were for. strangers: names that the file of authors gives and no member
    has. last: the batch that was written last; a peer that holds these holds all.
    """

    scope: str
    strangers: tuple[str, ...]
    last: tuple[WrittenRecord, ...]


class Imports(HomeAccess):
    """Contributions that are written down elsewhere. Raises HomeInUse while another import runs."""

    def import_git(
        self,
        folder: Path,
        *,
        authors: Path | None = None,
        since: str | None = None,
        scope: str | None = None,
        needs_node: bool = False,
        progress: Progress = unshown,
    ) -> GitImportResult:
        """Take in every commit that leads to HEAD, each as what its author produced.

        authors: a file in the form of git's mailmap, whose names are those of members; other
        authors stay outside the community. since: a revision whose history is left out. scope:
        what the commits were for, else the repository's name. needs_node: raise NotReachable and
        write nothing where no node runs, as peers cannot be waited for then. Raises GitMissing,
        UnreadableRepository, UnreadableFile.
        """
        mailmap = Mailmap.read(authors, self.words) if authors else Mailmap()
        repository = Repository(folder, since, self.words)
        name = read_scope(repository.name if scope is None else scope, self.words)
        with self._only_import():
            if needs_node:
                call(self.home).close()
            total = repository.count()
            view, drafts = self.view, self.view.drafts()
            known = KnownCommits(view.store, view.settings, mailmap, self.words)
            new, void = _check_commits(repository, known, name, drafts)
            written = 0
            last: list[WrittenRecord] = []
            if not void:
                with (
                    writer(self.home, self._unlock) as write_batch,
                    progress(visible(name), total) as advance,
                ):
                    for seen, batch in commits.batches(repository.commits(), known, name):
                        if batch:
                            last = write_batch([drafts.alone(wish)[0] for wish in batch])
                            written += len(last)
                        advance(seen)
        strangers = tuple(known.strangers)
        return GitImportResult(
            repository.name, total, total - new, written, void, name, strangers, tuple(last)
        )

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


def _check_commits(
    repository: Repository, known: KnownCommits, scope: str, drafts: Drafts
) -> tuple[int, tuple[VoidRow, ...]]:
    """Return how many commits are not here, and those of them that would count for nothing.

    None of them is drafted: they are too many to be kept.
    """
    new, void = 0, []
    refusals: dict[Reason, str] = {}
    for commit in repository.commits():
        if commit.hash in known.hashes:
            continue
        new += 1
        wish = commits.wish_of_commit(commit, known, scope)
        reason = drafts.alone(wish)[1]
        if reason is not None:
            if reason not in refusals:
                refusals[reason] = drafts.refusal(reason, wish)
            void.append(VoidRow(commit.hash, refusals[reason]))
    return new, tuple(void)
