"""Members who come back with a new device: nothing forks, and their keys may be others."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest

from commonweal.node.service.events import Wish
from commonweal.protocol import keys
from commonweal.protocol.errors import AwaitingRestore
from commonweal.protocol.identity import key_rotation, membership_proof
from commonweal.protocol.identity.membership_proof import ENROL, INVITE, REQUEST
from commonweal.protocol.keys import Signer
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records.record import FOUND, RecordId
from commonweal.storage.ledger.membership import SealedDecisions
from commonweal.storage.records.settings import RESTORING
from tests.sim.membership.test_joining import status
from tests.sim.world import returning
from tests.sim.world.byzantine import copy_of
from tests.sim.world.node import Node
from tests.sim.world.returning import restore
from tests.sim.world.weather import CALM
from tests.sim.world.world import World

SEED = os.environ.get("COMMONWEAL_SEED")
SEEDS = [int(SEED)] if SEED else range(int(os.environ.get("COMMONWEAL_RUNS") or 40))
BATCH = 20
"""Seeds in one test, so that their names do not fill a screen."""


def written(world: World, count: int) -> None:
    """Let everybody who is up write a little."""
    for _ in range(count):
        world.rng.choice([node for node in world.honest if node.is_up]).write("work")
        world.run(50)


def loses_and_returns(seed: int) -> None:
    """One member loses a device; peers are off at first, or show less than there is.

    Who shows an older ledger is at first the only one who can be reached, and is believed.
    """
    chance, world = Random(seed), World(seed)
    world.grow(4)
    lost = chance.choice(world.nodes[1:])
    others = [node for node in world.nodes if node is not lost]
    liar = chance.choice(others[1:])
    how = ("online", "offline", "older", "incomplete", "found again")[seed % 5]
    written(world, 4)
    world.settle()
    older = copy_of(liar.store)
    written(world, 6)
    lost.write("the last that the others hear of")
    world.settle()
    lost.write("perhaps too late for the others")
    world.run(chance.randint(0, 40))
    returning.lose(world, lost)
    if how == "older":
        returning.turn(liar, older)
    elif how == "incomplete":
        returning.turn(liar, copy_of(liar.store, without=lost.person.device))
    honest = [one for one in others if one is not liar]
    known = max(node.store.log(lost.person.device).length for node in others if node.is_honest)
    lies = how in ("older", "incomplete")
    away = {"offline": others, "older": honest}.get(how, [])
    for one in away:
        one.crash()
    node = restore(world, lost.person, [liar, chance.choice(honest)] if lies else others)
    tickets = []
    for second in range(12):
        tickets.append(node.write("mine again"))
        if second == 4:
            assert how != "offline" or node.store.setting(RESTORING), "nobody told it anything yet"
            for one in away:
                one.start()
        if how == "found again" and second == 6:
            world.nodes.append(lost)
            world.network.ports[lost.address] = lost
            lost.start()
            lost.write("from the drawer where it lay")
        written(world, 1)
        world.run(1_000)
    world.settle()
    assert isinstance(node.answers[tickets[0]], AwaitingRestore)
    assert isinstance(node.answers[tickets[-1]], dict), node.answers[tickets[-1]]
    assert not node.store.setting(RESTORING)
    for one in world.honest:
        assert not one.store.proof(lost.person.device), f"{one} saw a fork (seed {seed})"
        assert not one.store.proof(node.person.device), f"{one} saw a fork (seed {seed})"
        assert status(one, node) == "active"
        assert one.store.log(lost.person.device).length >= known


@pytest.mark.parametrize("first", SEEDS[::BATCH])
def test_who_restores_from_words_forks_nothing_whatever_his_peers_show(first: int) -> None:
    for seed in SEEDS:
        if first <= seed < first + BATCH:
            loses_and_returns(seed)


def submitted(world: World, by: Node, kind: str, data: dict[str, Any], *deps: RecordId) -> RecordId:
    """Let a member write a record, and wait until all have it."""
    ticket = by.submit(Wish(kind, data, deps))
    world.run(1_000)
    assert isinstance(by.answers[ticket], dict), by.answers[ticket]
    world.settle()
    id: RecordId = by.answers[ticket]["records"][0]["id"]
    return id


def ready(world: World, node: Node) -> None:
    """Wait until a restored home may write."""
    world.run(10_000)
    world.settle()
    assert not node.store.setting(RESTORING)


def settled(seed: int, size: int = 4) -> World:
    world = World(seed)
    world.grow(size)
    written(world, 4)
    world.settle()
    return world


def changes_his_key(world: World, node: Node, new: Signer) -> None:
    """Let a member take another key, by the word of the old one."""
    person = node.person
    old = returning.keys_of(node, person)
    wanted = returning.document(new)
    place = (old, world.community, wanted, [person.device])
    data = key_rotation.sign_rekey(person.member_signer, *place)
    submitted(world, node, key_rotation.REKEY, data)


def test_who_changed_his_key_comes_back_by_the_new_one_and_not_by_the_old() -> None:
    world = settled(1)
    lost, host = world.nodes[1], world.nodes[2]
    new = Signer(bytes(range(32)))
    changes_his_key(world, lost, new)
    place = returning.last_change(host, lost.person)
    returning.lose(world, lost)
    for honest in (True, False):
        thief = restore(world, lost.person, [host])
        if not honest:
            shows_all(host, thief)
        world.run(10_000)
        assert reaches_nobody(thief)
        returning.lose(world, thief)
    back = restore(world, lost.person, [host], new, place)
    ready(world, back)
    assert status(world.nodes[0], back) == "active"


def shows_all(host: Node, thief: Node) -> None:
    """Let a node show in its hello all that once made its member one."""
    member = thief.person.inception.member
    enrolled = [one for one in host.store.rare() if one.kind == ENROL]
    own = [one for one in enrolled if one.data.get("member") == bytes(member)]
    kinds = (FOUND, INVITE, REQUEST)
    whole = [
        one.wire
        for one in host.store.rare()
        if one in own
        or (one.kind in kinds and (one.kind != REQUEST or one.author in [it.author for it in own]))
    ]
    whole += thief.store.wires(thief.person.device, 0, 1, 1 << 20)
    claim = membership_proof.check(whole, host.community, thief.person.device, thief.key)
    assert claim.member == member, "it would do for who knows nothing else"
    thief.service.handshake._own_credentials = lambda: tuple(whole)  # type: ignore[method-assign]


def reaches_nobody(node: Node) -> bool:
    """Say whether a node was refused, and got nothing."""
    refusal = node.service.handshake.refusal
    return refusal is not None and refusal[0] == "not-a-member" and node.store.counts().logs == 1


def sponsors(world: World, node: Node, circle: list[Node], needed: int) -> RecordId:
    """Let a member name sponsors."""
    sponsors = returning.document(*(one.person.member_signer for one in circle), needed=needed)
    old = returning.keys_of(node, node.person)
    data = key_rotation.sign_sponsors(node.person.member_signer, old, world.community, sponsors)
    return submitted(world, node, key_rotation.SPONSORS, data)


def says(world: World, by: Node, lost: Node, new: Signer, named: RecordId) -> None:
    """Let a sponsor say which key a member shall have, after having been named."""
    old = returning.keys_of(by, lost.person)
    wanted = returning.document(new)
    place = (old, world.community, wanted, [lost.person.device])
    data = key_rotation.sign_rekey(by.person.member_signer, *place)
    submitted(world, by, key_rotation.REKEY, data, named)


def test_two_of_three_sponsors_bring_back_who_lost_his_words() -> None:
    world = settled(2, 5)
    lost, host = world.nodes[1], world.nodes[0]
    circle = world.nodes[2:5]
    named = sponsors(world, lost, circle, 2)
    returning.lose(world, lost)
    new = Signer(bytes(range(32)))
    says(world, circle[0], lost, new, named)
    assert returning.keys_of(host, lost.person).rekeys == 0, "one of two is not enough"
    says(world, circle[2], lost, new, named)
    assert returning.keys_of(host, lost.person).rekeys == 1
    back = restore(world, lost.person, [host], new, returning.last_change(host, lost.person))
    ready(world, back)
    assert status(host, back) == "active"
    row = host.store.log(lost.person.device)
    fields = (world.community, lost.person.inception.member, lost.person.device)
    word = keys.sign_array(new, keys.REVOKE_CONTEXT, *fields, row.length - 1, row.head)
    data = {"device": lost.person.device, "seq": row.length - 1, "id": row.head}
    submitted(world, back, "device.revoke", {**data, "signatures": [[new.key, word]]})
    assert status(host, lost) == "revoked"


@pytest.mark.parametrize("by_sponsors", [False, True])
def test_who_was_away_meanwhile_believes_the_new_key_by_what_the_hello_shows(
    by_sponsors: bool,
) -> None:
    """Two are left: the one who came back, and one who slept; there is nobody else to ask."""
    world = settled(3, 4)
    lost, sleeper = world.nodes[1], world.nodes[2]
    circle = [world.nodes[0], world.nodes[3]]
    new = Signer(bytes(range(32)))
    named = sponsors(world, lost, circle, 2) if by_sponsors else None
    sleeper.crash()
    others = [node for node in world.nodes if node is not sleeper]
    world.nodes.remove(sleeper)
    if named is not None:
        for one in circle:
            says(world, one, lost, new, named)
    else:
        changes_his_key(world, lost, new)
    back = restore(
        world, lost.person, [world.nodes[0]], new, returning.last_change(others[0], lost.person)
    )
    ready(world, back)
    for node in others:
        returning.lose(world, node)
    sleeper.knows(back.contact)
    world.nodes.append(sleeper)
    sleeper.start()
    back.knows(sleeper.contact)
    world.run(20_000)
    assert status(sleeper, back) == "active"
    back.write("awake?")
    world.run(5_000)
    assert all(sleeper.store.clock_of(id) for id in back.acknowledged)


def test_a_newcomer_believes_whom_his_link_names_until_he_knows_better() -> None:
    """What shows this member would be too long for a hello: the key was changed very often."""
    world = settled(4, 3)
    much = world.nodes[1]
    for number in range(20):
        new = Signer(bytes([number + 1]) * 32)
        changes_his_key(world, much, new)
        much.person.member_signer = new
    newcomer = world.join(world.invited(world.nodes[0]), [much])
    world.settle()
    assert status(much, newcomer) == "active"


def test_a_device_that_is_revoked_hears_of_it_and_gets_nothing_more() -> None:
    world = settled(5, 4)
    node, host = world.nodes[1], world.nodes[0]
    person = node.person
    other = restore(world, person, [host])
    ready(world, other)
    row = host.store.log(person.device)
    fields = (world.community, person.inception.member, person.device, row.length - 1, row.head)
    word = keys.sign_array(person.member_signer, keys.REVOKE_CONTEXT, *fields)
    data = {"device": person.device, "seq": row.length - 1, "id": row.head}
    signed: dict[str, Any] = {**data, "signatures": [[person.member_signer.key, word]]}
    ticket = other.submit(Wish("device.revoke", signed))
    world.run(10_000)
    assert isinstance(other.answers[ticket], dict)
    assert status(host, node) == status(node, node) == "revoked"
    for one in world.nodes:
        if one is not node:
            assert node.key not in [each.key for each in one.service.core.members()]
    host.write("not for the thief")
    world.run(30_000)
    (secret,) = list(host.acknowledged)[-1:]
    assert node.store.clock_of(secret) is None
    assert other.store.clock_of(secret) is not None


def test_a_member_who_was_removed_does_not_come_back_with_a_new_device() -> None:
    world = settled(6, 4)
    gone, host = world.nodes[1], world.nodes[0]
    member = gone.person.inception.member
    returning.lose(world, gone)
    for node in world.nodes:
        node.service.core.replica.decide(SealedDecisions(removed=((member, 1),)))
    back = restore(world, gone.person, world.nodes[:])
    world.nodes.remove(back)
    shows_all(host, back)
    world.run(20_000)
    assert reaches_nobody(back)
    assert membership.status_of(host.service.core.replica.ledger.state, back.person.device) is None
    assert world.network.weather is CALM
