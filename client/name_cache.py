"""The texts that hang on records, and the names of members without a new fold each time.

Names follow from the few records of membership. They are kept in a file of the home with
a mark of those records; while the mark fits, the fold is not even loaded. A name whose
text was erased, or is not here yet, is not kept.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import cast

from commonweal.client.words import ENGLISH, Words
from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.keys import short
from commonweal.protocol.records import record
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.storage.home.home import Home
from commonweal.storage.records.log_store import Store

FILE_BYTES_MAX = 1024 * 1024
MEMBER_BYTES = 32


class Names:
    """The names of members, by id. Valid for the state of `store` in which it was made."""

    def __init__(
        self, home: Home, store: Store, community: CommunityId, words: Words = ENGLISH
    ) -> None:
        """Read what was kept, if it still fits."""
        self._words = words
        self._home, self._store, self._community = home, store, community
        self._mark = _mark(store)
        self._known = _read(home, self._mark)
        self._is_folded = False

    def of(self, member: bytes) -> str:
        """Return a member's newest name; "?" and the beginning of their id without.

        Somebody outside has no name here, and is said to be outside.
        """
        if len(member) != MEMBER_BYTES:
            return outside(member, self._words)
        if member == self._community:
            return self._words("the community")
        name = self._known.get(member.hex())
        if name is None and not self._is_folded:
            self._fold()
            name = self._known.get(member.hex())
        return name or f"?{short(member)}"

    def _fold(self) -> None:
        from commonweal.client.directory import People

        people = People(self._store, self._community)
        for one in people.members():
            name = people.name(one.id)
            if one.profile is None:
                self._known[one.id.hex()] = ""  # until another record comes
            elif not name.startswith("?"):
                self._known[one.id.hex()] = name
        self._is_folded = True
        _keep(self._home, self._mark, self._known)


def outside(agent: bytes, words: Words) -> str:
    """Return how somebody outside the community is called."""
    return words("outside: {id}").format(id=short(agent))


def text_of(store: Store, id: RecordId) -> str | None:
    """Return the erasable text of a record; None when there is none, or it is not here."""
    found = body_of(store, id)
    if found is None or not found[0].startswith("text/"):
        return None
    return found[1].decode("utf-8", "replace")


def proposal_text_of(store: Store, id: RecordId) -> str | None:
    """Return the permanent words of a proposal: what is decided, or why; None without any."""
    found = store.record(id)
    if found is None or found.body is None or not found.body.permanent:
        return None
    data = store.body(found.body.hash)
    return None if data is None else data.decode("utf-8", "replace")


def body_of(store: Store, id: RecordId) -> tuple[str, bytes] | None:
    """Return media type and content of a record's erasable body, when it is held."""
    found = store.record(id)
    if found is None or found.body is None or found.body.permanent:
        return None
    data = store.body(found.body.hash)
    if data is None:
        return None
    try:
        return record.read_erasable_body(data)
    except CommonwealError:
        return None


def _mark(store: Store) -> bytes:
    """Return what changes whenever a record of membership comes, or a text is erased."""
    rows = [
        store.row("SELECT count(*), coalesce(max(key), 0) FROM rare"),
        store.row("SELECT count(*) FROM body WHERE content IS NULL"),
        *store.rows("SELECT author, frozen FROM log WHERE frozen NOTNULL ORDER BY author"),
    ]
    return codec.encode([list(row or ()) for row in rows])


def _read(home: Home, mark: bytes) -> dict[str, str]:
    try:
        data = home.names.read_bytes()
        value = codec.decode(data) if len(data) <= FILE_BYTES_MAX else None
    except (OSError, CommonwealError):
        return {}
    match value:
        case {"mark": found, "names": dict(names)} if found == mark:
            return {id: name for id, name in names.items() if isinstance(name, str)}
        case _:
            return {}


def _keep(home: Home, mark: bytes, names: dict[str, str]) -> None:
    """Write the file at once, or not at all: without it everything works, a little later."""
    data = codec.encode({"mark": mark, "names": cast("dict[str, codec.Value]", names)})
    part = home.names.with_name(f"names.{os.getpid()}")
    with suppress(OSError):
        part.write_bytes(data)
        part.chmod(0o600)
        part.replace(home.names)
