"""The rows behind the SQL view of members, written when a member or the text of a name changes.

A name is the text of a profile, which can come later than its record, and can be erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from commonweal.protocol.ledger.members import agents, registry, roles
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.membership import name_of
from commonweal.storage.ledger.state.state_db import FINAL, NEWEST, LayeredState, StateDb
from commonweal.storage.records.logs.log_store import Store

ID_BYTES = 32

TEXTS = "texts"
"""Mark of the count of removed texts up to which the names were looked at."""

_OF_MEMBER = (registry.MEMBER, roles.ROLE, agents.REFERRER)
"""Tables whose keys go on with the id of a member."""

_PUT = "INSERT OR REPLACE INTO member_row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def refresh(layers: StateDb, store: Store, changed: Sequence[bytes]) -> None:
    """Write the rows that depend on these state keys, and those whose names came or went."""
    ids = dict.fromkeys([*_told(layers, changed), *_come(layers, store), *_gone(layers, store)])
    final, every = LayeredState(layers, FINAL), LayeredState(layers, NEWEST)
    founding = layers.get(registry.FOUNDING)
    founder = None if founding is None else founding[0]
    for id in ids:
        value = layers.get(registry.MEMBER + id)
        if value is None:
            layers.change("DELETE FROM member_row WHERE id = ?", (id,))
            continue
        row = registry.MemberRow(*value)
        name, text, missing = _name(store, row.profile)
        fields = (id, name, row.status, row.devices, id == founder, _roles(every, id))
        is_final = final.get(registry.MEMBER + id) == value
        referrer = layers.get(agents.REFERRER + id)
        layers.change(_PUT, (*fields, referrer, is_final, text, missing))


def _told(layers: StateDb, changed: Sequence[bytes]) -> Iterable[bytes]:
    """Return the members whose rows depend on these state keys."""
    if registry.FOUNDING in changed:
        return [key[1:] for key, _ in LayeredState(layers, NEWEST).items(registry.MEMBER)]
    return [
        key[len(table) :][:ID_BYTES]
        for table in _OF_MEMBER
        for key in changed
        if key.startswith(table)
    ]


def _come(layers: StateDb, store: Store) -> Iterator[bytes]:
    """Yield the members whose missing profile, or text of it, is here now."""
    asked = "SELECT id, missing FROM member_row WHERE missing IS NOT NULL"
    for id, missing in layers.rows(asked):
        if store.has_body(missing) or store.clock_of(RecordId(missing)) is not None:
            yield id


def _gone(layers: StateDb, store: Store) -> list[bytes]:
    """Return the members whose names stand here and whose texts are gone."""
    removed = store.removed_bodies()
    if layers.mark(TEXTS) == removed:
        return []
    layers.put_mark(TEXTS, removed)
    named = layers.rows("SELECT id, text FROM member_row WHERE name IS NOT NULL")
    return [id for id, text in named if not store.has_body(text)]


def _name(store: Store, profile: bytes | None) -> tuple[str | None, bytes | None, bytes | None]:
    """Return a member's name, the hash of its text, and what of both is missing."""
    if profile is None:
        return None, None, None
    record = store.record(RecordId(profile))
    if record is None:
        return None, None, profile
    if record.body is None:
        return None, None, None
    text = record.body.hash
    data = store.body(text)
    return (None, text, text) if data is None else (name_of(data), text, None)


def _roles(state: LayeredState, member: bytes) -> str:
    """Return the roles that a member holds, with commas between them."""
    prefix = roles.ROLE + member
    held = (key for key, value in state.items(prefix) if roles.RoleRow(*value).held)
    return ",".join(key[len(prefix) :].decode() for key in held)
