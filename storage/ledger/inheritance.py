"""The state with which a re-founded community begins, from the bodies that its founder wrote.

It follows from his first records alone, so every node makes it for itself, and checks it
against the state root of the parent that the founding record names.
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.identity.parent import INHERIT, Parent, parent_of
from commonweal.protocol.ledger.checkpoint.inheritance import first_cut, inherited_state
from commonweal.protocol.ledger.checkpoint.roots import first_trees
from commonweal.protocol.ledger.members import member_keys, registry
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import (
    RECORD_BYTES_MAX,
    CommunityId,
    Record,
    RecordId,
    from_bytes_unchecked,
)
from commonweal.protocol.seal.chain import chain_start
from commonweal.storage.ledger.checkpoint import BEGUN, Checkpoint
from commonweal.storage.ledger.state_db import FINAL, NEWEST, OLDER, StateDb
from commonweal.storage.records.log_store import Store

MEMBERSHIP = (registry.MEMBER, member_keys.SUCCESSION)
"""The tables of which who only asks who belongs needs the inheritance."""


def parent(store: Store, community: CommunityId) -> Parent | None:
    """Return the parent of a community; None without one, and while that is not known."""
    founding = store.record(RecordId(community))
    return None if founding is None else parent_of(founding)


def chunks(store: Store, founding: Record, parent: Parent) -> list[bytes] | None:
    """Return what the founder's next records carry; None while one is missing."""
    wires = store.wires(founding.author, 1, 1 + parent.chunks, parent.chunks * RECORD_BYTES_MAX)
    found: list[bytes] = []
    for record in map(from_bytes_unchecked, wires):
        data = None if record.body is None else store.body(record.body.hash)
        if record.kind != INHERIT or data is None:
            return None
        found.append(data)
    return found if len(found) == parent.chunks else None


def members_before(store: Store, community: CommunityId) -> State | None:
    """Return who belonged when a re-founded community began; None for every other.

    And where what is inherited is not here yet, or is not what it should be.
    """
    founding = store.record(RecordId(community))
    try:
        found = None if founding is None else _inherited(store, founding)
    except CommonwealError:
        return None
    if found is None:
        return None
    state = State()
    for key, value in found.items():
        if key[:1] in MEMBERSHIP:
            state.put(key, value)
    return state


def start(store: Store, community: CommunityId) -> tuple[dict[bytes, Any], CutHeader] | None:
    """Return with what a re-founded community begins, and at which cut; None for every other.

    What it inherits is here. Raises as `begin` does.
    """
    founding = store.record(RecordId(community))
    state = None if founding is None else _inherited(store, founding)
    return None if state is None or founding is None else (state, first_cut(founding))


def begin(
    store: Store, layers: StateDb, community: CommunityId, last: Checkpoint
) -> list[bytes] | None:
    """Let the ledger in `layers` begin; return the keys that this touches.

    None while what it inherits is not here. Raises `WrongState`, `Malformed` or
    `InvalidRecord` when that is not what the founding record names. The caller commits.
    """
    founding = store.record(RecordId(community))
    if layers.mark(BEGUN) or founding is None:
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
    layers.put(FINAL, state.items())
    for tree, nodes in enumerate(first_trees(state)):
        layers.put_nodes(tree, nodes)
    last.write(first_cut(founding), bytes(community), ())
    layers.put_mark(BEGUN, True)
    return touched


def _inherited(store: Store, founding: Record) -> dict[bytes, Any] | None:
    """Return what a community inherits; None without a parent, or while a part is missing."""
    named = parent_of(founding)
    held = None if named is None else chunks(store, founding, named)
    return None if held is None else inherited_state(founding, held)
