"""The members of a home's community and their names, as far as they are held here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.ledger.words.texts import MEMBER_BYTES, outside
from commonweal.protocol import codec
from commonweal.protocol.errors import (
    AmbiguousId,
    CommonwealError,
    StorageError,
    UnknownId,
    UsageError,
)
from commonweal.protocol.keys import DeviceKey, MemberId, short
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.vocabulary.identifiers import displayed_name, normal_name
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.last_fold import LastFold
from commonweal.storage.records.logs.log_store import Store

if TYPE_CHECKING:
    from commonweal.protocol.ledger.members import membership
    from commonweal.storage.ledger.membership import SealedDecisions

WHOLE_ID = "[0-9a-f]{64}"
"""An id in full, as an expression."""

PREFIX_DIGITS_MIN = 4
"""Fewer hex digits are taken for a name."""

Id = TypeVar("Id", bytes, MemberId, DeviceKey, RecordId)


class NoMemberNow(UsageError):
    """This name belongs to a former member; give their id to mean them all the same."""

    exit_code = 65


class People:
    """The members and devices of a community, with their names."""

    def __init__(
        self,
        store: Store,
        community: CommunityId,
        now: Callable[[], SealedDecisions] | None = None,
        words: Words = ENGLISH,
        names: Mapping[bytes, str | None] | None = None,
    ) -> None:
        """Read the records of membership that `store` holds, when they are asked for.

        now: what seals decided; None for what the home's node last saw of it. names: those that
        somebody who folds these records knows already.
        """
        self._store, self._words = store, words
        self.community = community
        self._decide = now
        self._names = {id: name or _nameless(id) for id, name in (names or {}).items()}

    @cached_property
    def decided(self) -> SealedDecisions:
        """What seals decided."""
        from commonweal.storage.ledger.membership import read_decisions

        return read_decisions(self._store) if self._decide is None else self._decide()

    @cached_property
    def state(self) -> State:
        """The fold of the records of membership."""
        from commonweal.storage.ledger.membership import membership_fold

        return membership_fold(self._store, self.community, self.decided).state

    def name(self, member: bytes | None) -> str:
        """Return the newest name of a member or agent; "?" and the beginning of its id without."""
        if member is None:
            return ""
        if member == self.community:
            return self._words("the community")
        if len(member) != MEMBER_BYTES:
            return outside(member, self._words)
        if member not in self._names:
            from commonweal.protocol.ledger.members import membership
            from commonweal.storage.ledger.membership import name_in

            row = membership.member(self.state, MemberId(member))
            name = row and name_in(self._store, row.profile)
            self._names[member] = name or _nameless(member)
        return self._names[member]

    def members(self) -> list[membership.MemberStatus]:
        """Return everybody who is, was or wants to be a member."""
        from commonweal.protocol.ledger.members import membership

        return membership.members(self.state)

    def find(self, text: str) -> MemberId:
        """Return the member with this name, or whose id begins so.

        Raises UnknownId or AmbiguousId.
        """
        names = {member.id: self.name(member.id) for member in self.members()}
        return called(names, text, self._active(), self._words)

    def find_active(self, text: str) -> MemberId:
        """Return the member with this name, or anybody whose id begins so, to write of them.

        Raises UnknownId, AmbiguousId, or NoMemberNow when only one who is gone has the name.
        """
        member = self.find(text)
        if member not in self._active() and self.name(member) == displayed_name(text):
            raise NoMemberNow(f"{text} (?{short(member)})")
        return member

    def _active(self) -> set[MemberId]:
        removed = dict(self.decided.removed)
        return {
            member.id
            for member in self.members()
            if member.status == "active" and member.id not in removed
        }

    def community_name(self) -> str:
        """Return the name in the founding document; "?" and the beginning of the id without."""
        founding = self._store.record(RecordId(self.community))
        body = None if founding is None else founding.body
        document = None if body is None else self._store.body(body.hash)
        if document is not None:
            try:
                match codec.decode(document):
                    case {"name": str(name)}:
                        return name
            except CommonwealError:
                pass
        return _nameless(self.community)


def _nameless(id: bytes) -> str:
    return f"?{short(id)}"


def of_home(home: Home, store: Store, community: CommunityId, words: Words = ENGLISH) -> People:
    """Return who is who by all seals that a home holds.

    While a node runs, by those that it took in, and the names are those that it knows.
    """

    def now() -> SealedDecisions:
        from commonweal.storage.ledger.membership import current_decisions, read_decisions

        try:
            return current_decisions(home.state, store, community)
        except StorageError:  # what was folded cannot be used; the rest of the home can
            return read_decisions(store)

    if home.holder() is None:
        return People(store, community, now, words)
    return People(store, community, None, words, LastFold(home.state).names())


def called(
    names: Mapping[MemberId, str],
    text: str,
    active: Collection[MemberId] = (),
    words: Words = ENGLISH,
) -> MemberId:
    """Return the one who has the name `text`, or whose id begins so.

    names: as `displayed_name` has them, which `text` is compared with in the same form.
    active: who are members now. A name is theirs before it is that of one who is gone.
    A member whose name is the beginning of another's id is not taken for that one; a whole id
    is no name. Raises UnknownId or AmbiguousId.
    """
    digits, plain = _digits(text), displayed_name(text)
    if whole := [id for id in names if id.hex() == digits]:
        return whole[0]
    named = [id for id, name in names.items() if plain and name == plain]
    others = [id for id in names if id not in named]
    try:
        return begins(others, text, [id for id in named if id in active] or named)
    except UnknownId:
        near = _nearest(names.values(), text)
        if not near:
            raise
    raise UnknownId(text + words("; the nearest is {name}").format(name=near))


def _nearest(names: Iterable[str], text: str) -> str:
    """Return the name that somebody may have meant; "" without one."""
    from difflib import get_close_matches

    typed = text.casefold()
    folded = {name.casefold(): name for name in names if name}
    begun = [name for name in sorted(folded) if typed and name.startswith(typed)]
    near = begun or get_close_matches(typed, folded, n=1)
    return folded[near[0]] if near else ""


def whole_id(text: str) -> RecordId | None:
    """Return the id that a text is in full; None for a part of one."""
    digits = text.strip().lower()
    return RecordId(bytes.fromhex(digits)) if re.fullmatch(WHOLE_ID, digits) else None


def begins(ids: Iterable[Id], text: str, named: Sequence[Id] = ()) -> Id:
    """Return the one of `ids` whose hex begins with `text`. Raises UnknownId or AmbiguousId.

    named: those that are called so.
    """
    digits = _digits(text)
    fitting: list[Id] = list(named)
    if len(digits) >= PREFIX_DIGITS_MIN:
        fitting += [id for id in ids if id.hex().startswith(digits)]
    if not fitting:
        raise UnknownId(text)
    if len(fitting) > 1:
        raise AmbiguousId(_listed(text, fitting))
    return fitting[0]


def _digits(text: str) -> str:
    return normal_name(text).lower().removeprefix("?")


def _listed(text: str, ids: Iterable[bytes]) -> str:
    return f"{text}: {', '.join(id.hex()[:16] for id in ids)}"
