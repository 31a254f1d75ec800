"""Taking in the commits of a git repository, once the caller has seen what they would come to.

What is here already is not written again, so an import that was cut off is completed by calling
it again. Prints nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commonweal.client.home.node_client import call
from commonweal.client.home.submit import WrittenRecord, writer
from commonweal.client.importers.authors import Authors
from commonweal.client.importers.commits import KnownCommits
from commonweal.client.importers.git import Repository
from commonweal.client.importers.git_preview import GitLook, GitPreview
from commonweal.client.importers.imports import Imports, Progress, unshown
from commonweal.client.importers.mailmap import Mailmap
from commonweal.client.language.quantity import read_scope
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.names.directory import People
from commonweal.protocol.errors import OverBudget
from commonweal.protocol.ledger.members import membership

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class GitImportResult:
    """What an import of commits came to.

    preview: what was found; where any of it would count for nothing, nothing was written. written:
    how many commits. waiting: new commits that were not written, as others keep no more of this
    device before a seal. last: the records of the last batch; a peer that holds these holds all.
    """

    preview: GitPreview
    written: int = 0
    waiting: int = 0
    last: tuple[WrittenRecord, ...] = ()


class GitImports(Imports):
    """Contributions that are written down as commits."""

    def import_git(
        self,
        folder: Path,
        *,
        authors: Path | None = None,
        since: str | None = None,
        scope: str | None = None,
        takes_rewritten: bool = False,
        needs_node: bool = False,
        confirm: Callable[[GitPreview], bool] = lambda _preview: True,
        progress: Progress = unshown,
    ) -> GitImportResult:
        """Take in every commit that leads to HEAD, in equal parts for its author and co-authors.

        authors: a mailmap whose names are those of members; who has no address in it stays outside
        the community. since: a revision whose history is left out. scope: what the commits were
        for, else the repository's name. takes_rewritten: take in also what looks like a commit of
        the ledger under another hash. needs_node: raise NotReachable where no node runs, as peers
        cannot be waited for then. confirm: is given what was found; nothing is written when it
        returns False. Raises GitMissing, UnreadableRepository, UnreadableFile.
        """
        listed = Mailmap.read(authors, self.words) if authors else Mailmap()
        repository = Repository(folder, since, self.words)
        name = read_scope(repository.name if scope is None else scope, self.words)

        def looked() -> tuple[GitLook, GitPreview]:
            look = _look(self.view, repository, listed, name, takes_rewritten=takes_rewritten)
            return look, look.preview()

        with self._only_import():
            if needs_node:
                call(self.home).close()
            look, preview = looked()
            before = _lengths(self.view)
            if preview.void or not confirm(preview) or not preview.new:
                return GitImportResult(preview)
            self.refresh()
            if _lengths(self.view) != before:  # others wrote while the caller was asked
                look, preview = looked()
            return self._write_commits(look, preview, progress)

    def _write_commits(
        self, look: GitLook, preview: GitPreview, progress: Progress
    ) -> GitImportResult:
        drafts, written = self.view.drafts(), 0
        last: tuple[WrittenRecord, ...] = ()
        if preview.void:
            return GitImportResult(preview)
        with (
            writer(self.home, self._unlock) as write_batch,
            progress(visible(preview.scope), preview.new) as advance,
        ):
            for commits, batch in look.wishes():
                try:
                    last = tuple(self._written(write_batch, drafts, batch))
                except OverBudget:
                    break
                written += commits
                advance(commits)
        return GitImportResult(preview, written, preview.new - written, last)


def _look(
    view: LedgerView, repository: Repository, listed: Mailmap, scope: str, *, takes_rewritten: bool
) -> GitLook:
    people = People(view.store, view.settings.here, words=view.words)
    authors = Authors(people, listed, Mailmap(repository.mailmap()))
    mine = [device.key for device in membership.devices(people.state, view.settings.member)]
    known = KnownCommits(view.store, mine, authors)
    return GitLook(view, repository, authors, known, scope, takes_rewritten=takes_rewritten)


def _lengths(view: LedgerView) -> tuple[object, ...]:
    """Return how much of each log is here."""
    return tuple((bytes(row.author), row.length) for row in view.store.logs())
