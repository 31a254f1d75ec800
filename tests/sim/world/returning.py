"""Members who lose their devices and come back, and peers who show them less than there is."""

from __future__ import annotations

from random import Random

from commonweal.node import transport
from commonweal.node.service.events import Action, Event, Taken
from commonweal.node.service.service import Service
from commonweal.protocol import keys
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.invite import RekeyedMember
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import DeviceKey, MemberKey, PeerKey, Signer
from commonweal.protocol.ledger.members import member_keys
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.settings import RESTORING
from tests.sim.world.node import Mind, Node, Person
from tests.sim.world.world import World


class Stale(Service):
    """A peer that shows what it had, and takes in nothing more."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Do as a service does, but be deaf for records."""
        if isinstance(event, transport.FrameReceived) and event.frame[1:6] == b"\xa4runs":
            return [Taken(event.peer, len(event.frame))]
        return super().handle(event, now_ms)


class Again(Person):
    """A person with a new device, and perhaps another key."""

    def __init__(self, person: Person, rng: Random, signer: Signer | None = None) -> None:
        self.member_signer = signer or person.member_signer
        self.inception = person.inception
        seed = rng.randbytes(32)
        self.signer = keys.device_signer(seed)
        self.device = DeviceKey(self.signer.key)
        self.host = keys.peer_signer(seed)
        self.peer = PeerKey(self.host.key)


def lose(world: World, node: Node) -> None:
    """Let a node be gone for ever, with all that it did not tell."""
    node.crash()
    world.nodes.remove(node)
    del world.network.ports[node.address]


def turn(node: Node, store: Store, mind: Mind = Stale) -> None:
    """Let a node become dishonest, with this store."""
    node.crash()
    node.store, node.mind, node.is_honest = store, mind, False
    node.start()


def restore(
    world: World,
    person: Person,
    hosts: list[Node],
    signer: Signer | None = None,
    rekeyed: RekeyedMember | None = None,
) -> Node:
    """Let a person begin again with a new device, from the words and a link to `hosts`."""
    number = 1 + max(one.number for one in world.by_key.values())
    again = Again(person, world.rng, signer)
    node = Node(world, number, again, Store(":memory:"))
    world.nodes.append(node)
    world.by_key[node.key] = node
    world.network.ports[node.address] = node
    node.community = world.community
    first = founding.enrol(
        again.member_signer,
        again.inception,
        again.signer,
        again.host,
        node.community,
        world.agenda.now_ms,
        rekeyed,
    )
    node.store.append(again.device, [first])
    node.store.mark_checked(again.device, 1)
    node.store.put_setting(RESTORING, b"\x01")
    node.knows(*(host.contact for host in hosts))
    node.start()
    return node


def keys_of(at: Node, person: Person) -> MemberKeys:
    """Return the keys of a person, as a node knows."""
    found = member_keys.keys_of(at.service.core.replica.ledger.state, person.inception.member)
    assert found is not None
    return found


def document(*signers: Signer, needed: int = 1) -> Inception:
    """Return a document of these keys."""
    return Inception(tuple(sorted(MemberKey(one.key) for one in signers)), needed, bytes(32))


def last_change(at: Node, person: Person) -> RekeyedMember:
    """Return what a link says of a person whose keys were changed."""
    state = at.service.core.replica.ledger.state
    found = member_keys.rekeyed(state, person.inception.member)
    assert found is not None
    return found
