"""What a git history would come to, before anything of it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.importers.authors import Authors
from commonweal.client.importers.commits import (
    KnownCommits,
    batches,
    wishes_of_commit,
)
from commonweal.client.importers.git import Commit, Person, Repository
from commonweal.client.importers.imports import VoidRow
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.forecast import Forecast
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.members.agents import is_outside
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.storage.ledger.contributions.points_in_time import PointInTime, instant

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

FIRST_COMMITS = 5
"""Parts of new commits that are shown with what each would be worth."""
AUTHORS_SHOWN_MAX = 20
FAULTS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class FirstCommit:
    """A part of one of the first new commits, as it would be written.

    worth: None where it counts for nothing.
    """

    hash: bytes
    when: PointInTime
    provider: bytes
    provider_name: str
    quantity: Decimal
    note: str
    worth: Forecast | None


@dataclass(frozen=True, slots=True)
class CommitAuthor:
    """An author of new commits. member: whose address it is; None for an agent outside."""

    name: str
    email: str
    commits: int
    member: MemberId | None
    member_name: str | None


@dataclass(frozen=True, slots=True)
class GitPreview:
    """What the commits of a history would come to.

    total, new, here, rewritten: commits; new ones would be written. rewritten: not here by their
    hash, and alike to commits of the ledger that the history has no more, which are left out
    unless they are asked for. void: parts that would count for nothing; faults: the first of them.
    authors: of new commits, the first of `authors_total` by how many they made. is_shallow,
    is_partial: what the clone lacks. strangers: listed names that no member has.
    """

    source: str
    scope: str
    total: int
    new: int
    here: int
    rewritten: int
    void: int
    faults: tuple[VoidRow, ...]
    is_shallow: bool
    is_partial: bool
    authors: tuple[CommitAuthor, ...]
    authors_total: int
    strangers: tuple[str, ...]
    first: tuple[FirstCommit, ...]


class GitLook:
    """A look at every commit of a history, for the ledger as it is."""

    def __init__(
        self,
        view: LedgerView,
        repository: Repository,
        authors: Authors,
        known: KnownCommits,
        scope: str,
        *,
        takes_rewritten: bool,
    ) -> None:
        self._view, self._repository, self._authors, self._known = view, repository, authors, known
        self._scope, self._takes_rewritten = scope, takes_rewritten
        self._drafts = view.drafts()
        self._rewritten: set[bytes] = set()
        self._counts = dict.fromkeys(("total", "new", "here", "void"), 0)
        self._faults: list[VoidRow] = []
        self._refusals: dict[Reason, str] = {}
        self._first: list[FirstCommit] = []
        self._made: dict[bytes, tuple[Person, int]] = {}

    def preview(self) -> GitPreview:
        """Read every commit, ask the fold, and return what it comes to."""
        repository = self._repository
        lost = self._known.lost(repository.hashes() if self._known.hashes else ())
        for commit in repository.commits():
            self._counts["total"] += 1
            if commit.hash in self._known.hashes:
                self._counts["here"] += 1
            elif not self._takes_rewritten and lost.take(commit, self._authors):
                self._rewritten.add(commit.hash)
            else:
                self._look_at(commit)
        made = sorted(self._made.items(), key=lambda item: (-item[1][1], item[1][0]))
        return GitPreview(
            source=repository.name,
            scope=self._scope,
            **self._counts,
            rewritten=len(self._rewritten),
            faults=tuple(self._faults),
            is_shallow=repository.is_shallow,
            is_partial=repository.is_partial,
            authors=tuple(self._author(agent, *of) for agent, of in made[:AUTHORS_SHOWN_MAX]),
            authors_total=len(made),
            strangers=tuple(self._authors.strangers),
            first=tuple(self._first),
        )

    def wishes(self) -> Iterator[tuple[int, list[Wish]]]:
        """Yield batches for the new commits, each with how many commits it is of."""
        known = self._known.hashes
        commits = (
            commit
            for commit in self._repository.commits()
            if commit.hash not in known and commit.hash not in self._rewritten
        )
        return batches(commits, self._authors, self._scope)

    def _look_at(self, commit: Commit) -> None:
        self._counts["new"] += 1
        shares = self._authors.credits(commit)
        for credit in shares:
            person, commits = self._made.get(credit.provider, (credit.person, 0))
            self._made[credit.provider] = (person, commits + 1)
        for wish in wishes_of_commit(commit, shares, self._scope):
            if len(self._first) < FIRST_COMMITS:
                self._first.append(self._first_commit(commit, wish))
            reason = self._drafts.alone(wish)[1]
            if reason is not None:
                self._note_void(commit, wish, reason)

    def _note_void(self, commit: Commit, wish: Wish, reason: Reason) -> None:
        self._counts["void"] += 1
        if reason not in self._refusals:
            self._refusals[reason] = self._drafts.refusal(reason, wish)
        if len(self._faults) < FAULTS_SHOWN_MAX:
            self._faults.append(VoidRow(commit.hash, self._refusals[reason]))

    def _first_commit(self, commit: Commit, wish: Wish) -> FirstCommit:
        drafts, data = self._view.drafts(), dict[str, Any](wish.data)
        trial = drafts.check(wish)
        amount = data["resourceQuantity"]
        return FirstCommit(
            commit.hash,
            instant(commit.authored_at),
            data["provider"],
            self._view.name(data["provider"]),
            exact(amount["n"], amount["scale"]),
            "" if wish.text is None else wish.text.content.decode(),
            None if trial.reason is not None else drafts.forecast(trial.id),
        )

    def _author(self, agent: bytes, person: Person, commits: int) -> CommitAuthor:
        member = None if is_outside(agent) else MemberId(agent)
        name = None if member is None else self._view.name(member)
        return CommitAuthor(person.name, person.email, commits, member, name)
