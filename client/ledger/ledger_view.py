"""The ledger as commands read it, and what they refuse before anything is written.

What would count for nothing is not written: the fold is asked first, on a record that is
never kept. Whatever is shown says what is final and what is provisional: not sealed yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING

from commonweal.client.home.submit import now_ms
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.client.ledger.words.texts import outside
from commonweal.protocol.errors import (
    NotYet,
    StorageError,
    UnknownId,
)
from commonweal.protocol.keys import MemberId, short
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record, RecordId
from commonweal.protocol.seal.cut import length_in
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger import ledger
from commonweal.storage.ledger.fold_watch import Watch, nobody
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.records.logs.log_store import Store

if TYPE_CHECKING:  # loaded when something is written
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.node.service.events import Wish
    from commonweal.protocol.ledger.members.permissions import Permission
    from commonweal.protocol.ledger.state.rejections import Reason


class LedgerView:
    """The state of a home's ledger, with the names of its members."""

    def __init__(
        self,
        home: Home,
        store: Store,
        settings: Settings,
        kept: LedgerState,
        words: Words,
        *,
        whole: bool = True,
    ) -> None:
        self.home, self.store, self.settings, self.kept = home, store, settings, kept
        self.words = words
        self.final: State = kept.final
        """At the last cut."""
        self.state: State = kept.state if whole else self.final
        """Provisional: all records held. Of a view that is not whole, the final one."""
        self.community = kept.community
        self._outside: dict[bytes, str] = {}
        self._is_whole = whole

    @property
    def me(self) -> MemberId:
        """The member of this home."""
        return self.settings.member

    @cached_property
    def _names(self) -> dict[bytes, str]:
        """The names of members, by their ids; of a view that is not whole, the sealed ones."""
        if self._is_whole:
            rows = self.kept.layers.rows("SELECT id, name FROM member_row")
        else:
            from commonweal.protocol.ledger.members import registry
            from commonweal.storage.ledger.membership import name_in

            members = ((key[1:], row) for key, row in self.final.items(registry.MEMBER))
            rows = [
                (id, name_in(self.store, registry.MemberRow(*row).profile)) for id, row in members
            ]
        return {id: name for id, name in rows if name}

    def name(self, agent: bytes | None) -> str:
        """Return the name of a member, the community, or somebody outside."""
        if agent is None:
            return ""
        if agent == self.community:
            return self.words("the community")
        if agent in self._names:
            return self._names[agent]
        from commonweal.protocol.ledger.members import agents

        if agents.is_outside(agent):
            from commonweal.client.ledger.names.named import outside_name

            if agent not in self._outside:
                member = self._names.get(agents.person(self.state, agent))
                name = member or outside(agent, self.words, outside_name(self, agent))
                self._outside[agent] = name
            return self._outside[agent]
        return f"?{short(agent)}"

    def may(self, permission: Permission) -> bool:
        """Return whether what this member would write now has a permission."""
        from commonweal.protocol.ledger.members import permissions

        time_ms = max(self.kept.cut.time_ms, now_ms())
        return permissions.denial(self.state, self.me, permission, time_ms) is None

    def alike(self) -> list[str]:
        """Return the names that may be taken for each other, the alike ones together."""
        from commonweal.protocol.ledger.members import membership
        from commonweal.protocol.vocabulary import identifiers

        active: dict[bytes, str] = {
            member.id: self._names[member.id]
            for member in membership.members(self.state)
            if member.status == "active" and member.id in self._names
        }
        groups = identifiers.confusable_groups(active)
        return [", ".join(f"{active[id]} ({short(id)})" for id in group) for group in groups]

    def member(self, text: str) -> MemberId:
        """Return the member with this name, or whose id begins so; raise UnknownId, AmbiguousId."""
        from commonweal.client.ledger.names.directory import called
        from commonweal.protocol.ledger.members import membership

        everybody = membership.members(self.state)
        active = {member.id for member in everybody if member.status == "active"}
        return called(
            {member.id: self._names.get(member.id, "") for member in everybody},
            text,
            active,
            self.words,
        )

    def id_among(self, text: str, prefix: bytes) -> RecordId:
        """Return the one id that begins so, of those that a table of the state has."""
        from commonweal.client.ledger.names.directory import begins, whole_id

        whole = whole_id(text)
        if whole is not None and self.state.get(prefix + whole) is not None:
            return whole
        return begins((RecordId(key[len(prefix) :]) for key, _ in self.state.items(prefix)), text)

    def held(self, text: str) -> Record:
        """Return the record that is held whose id begins so.

        Raises UnknownId, AmbiguousId, and NotYet for a contribution that the state has and whose
        record has not come yet, as after a join.
        """
        from commonweal.client.ledger.names.directory import begins

        digits = text.strip().lower()
        ids = self.store.ids(digits)
        if not ids:
            self._expect_event(text)
        record = self.store.record(begins(ids, digits))
        assert record is not None, "an id of the store is held"
        return record

    def _expect_event(self, text: str) -> None:
        """Raise NotYet where the state has a contribution whose id begins so."""
        from commonweal.protocol.ledger.things.event_row import EVENT

        with suppress(UnknownId):
            id = self.id_among(text, EVENT)
            late = self.words("{id} counts; its record is not here yet, and comes from peers")
            raise NotYet(late.format(id=id.hex()[:ID_DIGITS]))

    def clock(self, record: bytes) -> int:
        """Return the clock of a record that is held. Raises UnknownId."""
        clock = self.store.clock_of(RecordId(record))
        if clock is None:
            raise UnknownId(record.hex())
        return clock

    def drafts(self) -> Drafts:
        """Return what is written next: nothing yet."""
        from commonweal.client.ledger.drafts import Drafts

        return Drafts(self.kept, self.settings, self.words)

    def check(self, wish: Wish) -> None:
        """Raise WouldNotCount when the fold would refuse what is wished."""
        self.drafts().add(wish)

    def reason_words(self, record: Record, reason: Reason | None) -> str:
        """Return whether a record counts, as a sentence."""
        if reason is None:
            counts = self.words("{id} counts, and is no contribution")
            return counts.format(id=record.id.hex()[:ID_DIGITS])
        from commonweal.client.language.rejection_words import from_when
        from commonweal.protocol.ledger.members import registry

        author = registry.device_row(self.state, record.author)
        member = None if author is None else author.member
        since = from_when(self.state, reason, member, self.words)
        why = self.words(reason.value) + since
        void = self.words("{id} counts for nothing: {reason}")
        return void.format(id=record.id.hex()[:ID_DIGITS], reason=why)

    def standing(self) -> str:
        """Return how far what is read here is final, as a sentence."""
        height, sealed = self.kept.cut.height, self.kept.last.logs
        if not height:
            return self.words("provisional: not sealed yet")
        text = self.words("final at height {height}")
        if any(row.length > length_in(sealed, row.author) for row in self.store.logs()):
            text = self.words("final up to height {height}; what came after it is provisional")
        return text.format(height=height)


@contextmanager
def folded(
    home: Home, words: Words = ENGLISH, watch: Watch = nobody, *, whole: bool = True
) -> Iterator[LedgerView]:
    """Give the state of the ledger of `home`. Raises NotInCommunity, MissingDatabase.

    watch: called with how much is folded, and of how much. whole: False reads what is final, and
    does not fold the records above the last cut, however many they are.
    """
    with home.store(readonly=True) as store, store.snapshot():
        settings = Settings.read(store)
        path = home.state
        with ExitStack() as held:
            of_home = partial(
                ledger.open_ledger,
                store=store,
                community=settings.here,
                whole=whole,
                watch=watch,
            )
            try:
                kept = held.enter_context(of_home(path))
            except StorageError:  # the disk takes nothing: all is folded in memory
                kept = held.enter_context(of_home(":memory:"))
            kept.layers.pin()
            yield LedgerView(home, store, settings, kept, words, whole=whole)
