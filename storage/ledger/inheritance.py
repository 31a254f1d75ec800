"""Inheritance: the state with which a re-founded community begins.

Its chunks are the bodies of the founder's first records, so every node builds it by itself and
checks it against the state root of the parent that the founding record names.
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.identity.parent import INHERIT, Parent, parent_of
from commonweal.protocol.ledger.checkpoint.inheritance import first_cut, inherited_state
from commonweal.protocol.ledger.checkpoint.roots import first_trees
from commonweal.protocol.ledger.governance.membership_end import listed_rows
from commonweal.protocol.ledger.members import member_keys, registry
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import local_rows
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    from_bytes_unchecked,
)
from commonweal.protocol.seal.chain import chain_start
from commonweal.storage.ledger.state.checkpoint import BEGUN, Checkpoint
from commonweal.storage.ledger.state.state_db import FINAL, NEWEST, OLDER, StateDb
from commonweal.storage.records.logs.log_store import Store

MEMBERSHIP = (registry.MEMBER, member_keys.SUCCESSION)
"""Tables of the inherited state that the fold of membership records needs."""


def chunks(store: Store, founding: Record, parent: Parent) -> list[bytes] | None:
    """Return the chunks in the founder's next records; None while one is missing."""
    wires = store.rare_of(founding.author, 1, 1 + parent.chunks)
    parts: list[bytes] = []
    for record in map(from_bytes_unchecked, wires):
        data = None if record.body is None else store.body(record.body.hash)
        if record.kind != INHERIT or data is None:
            return None
        parts.append(data)
    return parts if len(parts) == parent.chunks else None


def members_before(store: Store, community: CommunityId) -> State | None:
    """Return the inherited membership of a re-founded community.

    None for every other community, and while the inheritance is incomplete or invalid.
    """
    founding = store.record(RecordId(community))
    try:
        whole = None if founding is None else _inherited(store, founding)
    except CommonwealError:
        return None
    if whole is None:
        return None
    state = State()
    for key, value in whole.items():
        if key[:1] in MEMBERSHIP:
            state.put(key, value)
    return state


def start(store: Store, community: CommunityId) -> tuple[dict[bytes, Any], CutHeader] | None:
    """Return the inherited state and its cut; None for a community without a parent.

    The inheritance must be here. Raises what `begin` raises.
    """
    founding = store.record(RecordId(community))
    state = None if founding is None else _inherited(store, founding)
    return None if state is None or founding is None else (state, first_cut(founding))


def begin(
    store: Store, layers: StateDb, community: CommunityId, last: Checkpoint
) -> list[bytes] | None:
    """Begin the ledger in `layers`; return the keys that this touches.

    None while the inheritance is not here. Raises `WrongState`, `Malformed` or `InvalidRecord` when
    it is not what the founding record names. The caller commits.
    """
    founding = None if layers.mark(BEGUN) else store.record(RecordId(community))
    if founding is None:
        return []
    chain_start(founding)
    if parent_of(founding) is None:
        layers.put_mark(BEGUN, True)
        return []
    state = _inherited(store, founding)
    if state is None:
        return None
    touched = [*layers.clear(OLDER), *layers.clear(NEWEST), *state]
    layers.put_mark("older", None)
    layers.put_mark("newest", None)
    rows = state.items()
    layers.put(FINAL, [*rows, *local_rows(rows), *listed_rows(rows)])
    for tree, pages in enumerate(first_trees(state)):
        layers.put_pages(tree, pages)
    last.write(first_cut(founding), bytes(community), ())
    layers.put_mark(BEGUN, True)
    return touched


def _inherited(store: Store, founding: Record) -> dict[bytes, Any] | None:
    """Return the inherited state; None without a parent, or while a chunk is missing."""
    named = parent_of(founding)
    held = None if named is None else chunks(store, founding, named)
    return None if held is None else inherited_state(founding, held)
