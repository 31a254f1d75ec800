"""Joining: by the inviter and by others, when the inviter is away, late, and two for one place."""

from __future__ import annotations

from commonweal.node.service.events import Wish
from commonweal.node.transport import GUESTS_MAX, TrustLevel
from commonweal.protocol.ledger.members import membership
from tests.sim.world.node import Node, by_hand
from tests.sim.world.world import World


def status(at: Node, of: Node) -> str | None:
    """Return how the device of a node stands, as another node knows."""
    return membership.status_of(at.service.core.replica.ledger.state, of.person.device)


def test_a_friend_who_joins_while_the_inviter_is_off_is_in_when_he_is_back() -> None:
    world = World(9)
    laptop = world.nodes[0]
    invite = world.invited(laptop)
    laptop.crash()
    friend = world.join(invite, [laptop])
    world.run(60_000)
    assert not friend.ends
    laptop.start()
    world.settle()
    laptop.write("first")
    friend.write("first")
    world.settle(5_000)
    assert laptop.acknowledged and friend.acknowledged
    for node in world.nodes:
        assert all(node.store.clock_of(id) for one in world.nodes for id in one.acknowledged)


def test_what_a_newcomer_writes_counts() -> None:
    world = World(10)
    world.grow(4)
    newcomer = world.nodes[3]
    invite = world.invited(newcomer)
    world.settle()
    guest = world.join(invite, [newcomer])
    world.settle()
    assert status(world.nodes[0], guest) == "active"


def test_a_newcomer_is_admitted_through_one_who_is_not_the_founder() -> None:
    world = World(11)
    world.grow(4)
    invite = world.invited(world.nodes[2])
    world.settle()
    newcomer = world.join(invite, [world.nodes[3]])
    assert world.settle() <= 2_000
    assert status(world.nodes[0], newcomer) == "active"


def test_of_two_uses_of_one_invite_in_a_partition_one_holds_and_the_other_is_told() -> None:
    world = World(12)
    world.grow(6)
    invite = world.invited(world.nodes[1])
    world.settle()
    here, there = world.nodes[:3], world.nodes[3:]
    rivals = [world.join(invite, [here[1]]), world.join(invite, [there[1]])]
    one, two = [*here, rivals[0]], [*there, rivals[1]]
    world.network.blocked = {
        (a.key, b.key): None for x, y in ((one, two), (two, one)) for a in x for b in y
    }
    world.run(10_000)
    world.network.blocked = {}
    world.run(60_000)
    held = [node for node in rivals if status(world.nodes[0], node) == "active"]
    (told,) = [node for node in rivals if node not in held]
    assert told.service.handshake.refusal is not None
    assert told.service.handshake.refusal[0] == "invite-used"
    world.refused[told.number] = None
    world.settle()


def test_a_revoked_invite_admits_nobody_and_says_so() -> None:
    world = World(13)
    world.grow(3)
    invite = world.invited(world.nodes[0])
    world.nodes[0].submit(Wish("invite.revoke", {"invite": invite.id}, (invite.id,)))
    world.settle()
    late = world.join(invite, [world.nodes[1]])
    world.run(3_000)
    assert late.service.handshake.refusal == ("invite-revoked", "the invite was taken back")
    assert late.store.counts().logs == 1
    assert status(world.nodes[0], late) is None


def test_a_guest_is_told_when_his_invite_is_revoked_before_he_is_admitted() -> None:
    world = World(14, rules=by_hand(4))
    world.grow(4)
    host = world.nodes[1]
    invite = world.invited(host)
    world.settle()
    guest = world.join(invite, [host])
    world.run(3_000)
    assert host.key in guest.ends
    host.submit(Wish("invite.revoke", {"invite": invite.id}, (invite.id,)))
    world.run(3_000)
    assert guest.service.handshake.refusal == ("invite-revoked", "the invite was taken back")


def test_one_who_does_not_know_the_community_is_shown_nothing() -> None:
    world = World(15)
    world.grow(2)
    other = World(16)
    invite = other.invited(other.nodes[0])
    stranger = world.join(invite, [world.nodes[0]])
    stranger.crash()
    stranger.is_honest = False
    stranger.community = other.community
    stranger.start()
    world.network.sent.clear()
    world.run(30_000)
    assert stranger.store.counts().logs == 1
    for (source, target, _), size in world.network.sent.items():
        assert target != stranger.key, (source, size)


def test_a_newcomer_among_many_soon_has_neighbours_of_his_own() -> None:
    world = World(1)
    world.grow(14)
    founder = world.nodes[0]
    newcomer = world.join(world.invited(founder), [founder])
    world.settle()
    world.run(15_000)
    assert len(newcomer.service.core.members()) > 3


def test_guests_of_one_member_do_not_keep_those_of_another_out() -> None:
    """Until somebody vouches for them by hand, the guests stay."""
    world = World(8, rules=by_hand(3))
    world.grow(3)
    founder, host, hostile = world.nodes
    world.settle()
    bad, good = world.invited(hostile), world.invited(host)
    world.settle()
    crowd = [world.join(bad, [host]) for _ in range(GUESTS_MAX + 8)]
    world.run(20_000)
    friend = world.join(good, [host])
    world.run(20_000)
    sessions = host.service.core.peers
    guests = [one.key for one in sessions.values() if one.trust is TrustLevel.GUEST]
    assert len(guests) == GUESTS_MAX
    assert friend.key in guests
    world.vouch(founder, friend)
    world.run(30_000)
    assert status(founder, friend) == "active"
    assert not any(status(founder, one) == "active" for one in crowd)
