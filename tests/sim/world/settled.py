"""A settled community: its nodes start from copies of one home, and do not join one by one.

Some nodes join as in any simulation. The records of all other members are put into their homes,
sealed and checked. Each of the other nodes then starts from a copy of one of these homes, with the
keys of its own member, as from a backup. Joining costs members times nodes; copying costs little.
"""

from __future__ import annotations

from copy import copy
from typing import Any
from unittest.mock import patch

from commonweal.node.service.replica import replica
from commonweal.node.service.service import Service
from commonweal.protocol.identity import signed_address
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.records.record import RECORD_BYTES_MAX, from_bytes_unchecked
from commonweal.storage.ledger.membership import membership_fold
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.address_book import Address
from commonweal.storage.records.logs.log_store import Store
from tests.sim.world.node import Node, Person
from tests.sim.world.world import World

ASKING = 2
"""Records by which a newcomer asks to be admitted."""

_FOLD = (
    *("_entries", "_clocks", "_marks", "_refused", "_frozen", "_revocations"),
    *("_ends", "_reached", "_void", "_seated"),
)
"""What a fold has come to, but for its state."""


def crowd(world: World, host: Node, count: int) -> list[Person]:
    """Let `host` take in the requests of `count` people whose nodes do not run."""
    invite = world.invited(host, count)
    people = [Person(world.rng) for _ in range(count)]
    for person in people:
        asking = Store(":memory:")
        person.ask(asking, world.community, invite, world.agenda.now_ms)
        wires = asking.wires(person.device, 0, ASKING, ASKING * RECORD_BYTES_MAX)
        asking.close()
        run = [from_bytes_unchecked(wire) for wire in wires]
        host.service.core.replica.append(person.device, run, {}, checked=True)
    return people


def copies(world: World, home: Node, people: list[Person]) -> list[Node]:
    """Give each of these people a node with a copy of `home`, which is down; start all of these.

    Every home knows the addresses of all nodes.
    """
    assert not home.is_up and home.layers is not None
    made = [world.add(Service, person) for person in people]
    for node in world.nodes:
        home.store.put_address(_address(world, node))
    home.store.commit()
    with patch.object(replica, "membership_fold", _OneFold()):
        for node in made:
            node.community, node.layers = world.community, StateDb(":memory:")
            home.store._connection.backup(node.store._connection)
            home.layers._connection.backup(node.layers._connection)
            node.start()
    home.start()
    return made


def _address(world: World, node: Node) -> Address:
    where = (node.address,)
    signed = signed_address.sign(node.person.host, world.community, world.agenda.now_ms, where)
    return Address(node.key, node.person.device, where, signed.to_bytes(), 0, "signed")


class _OneFold:
    """Folds the membership of equal stores once, and returns a copy of that fold for each of them.

    A record or a value in a fold is replaced and never changed, so the copies share them.
    """

    def __init__(self) -> None:
        self._first: Ledger | None = None

    def __call__(self, store: Store, *about: Any, **more: Any) -> Ledger:
        if self._first is None:
            self._first = membership_fold(store, *about, **more)
            self._first.fold()
        with patch.object(Store, "rare", lambda _: ()):
            ledger = membership_fold(store, *about, **more)
        for name in _FOLD:
            setattr(ledger, name, copy(getattr(self._first, name)))
        state, first = ledger._state, self._first._state
        state._tables = {number: dict(table) for number, table in first._tables.items()}
        state._journal, state._sorted = list(first._journal), {}
        return ledger
