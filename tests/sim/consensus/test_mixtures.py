"""Everything at once: four witnesses seal, members join, change keys, lose devices, on bad lines.

Nothing honest is convicted or dropped for a fault, no height has two seals, and in calm all agree
and the next seal comes.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest

from commonweal.node.service.events import Wish
from commonweal.protocol import keys
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.keys import Signer
from commonweal.protocol.ledger.members import member_keys, membership
from commonweal.storage.records.settings import RESTORING
from tests.sim.consensus.test_seals import check, council, next_seal, seal_soon
from tests.sim.world import returning
from tests.sim.world.node import Node
from tests.sim.world.weather import storm

SEED = os.environ.get("COMMONWEAL_SEED")
SEEDS = [int(SEED)] if SEED else range(int(os.environ.get("COMMONWEAL_RUNS") or 3))
PACES = (0, 0, 20, 100)
"""Bytes in a ms; 0 for no limit."""
JOIN_MAX = 3
SECONDS = 8


class Mixture:
    """One community, and what happens in it by its seed."""

    def __init__(self, seed: int) -> None:
        self.world = council(700 + seed, 4, 1)
        self.chance = Random(seed)
        self.invite = self.world.invited(self.world.nodes[0], JOIN_MAX)
        self.lost: Node | None = None
        self.back: Node | None = None
        self.joined = 0

    def second(self) -> None:
        """What members do in a second."""
        world, chance = self.world, self.chance
        up = [node for node in world.nodes if node.is_up]
        for node in chance.sample(up, min(2, len(up))):
            node.submit(*[Wish("event", {"pad": "x" * 500})] * chance.choice((1, 1, 30)))
        acts = (self._seal, self._join, self._rekey, self._lose, self._revoke, self._restart)
        for act in chance.sample(acts, 3):
            act()
        world.network.pace = chance.choice(PACES)
        check(world)

    def _seal(self) -> None:
        node = self.chance.choice(self.world.nodes)
        if node.is_up:
            seal_soon(node)

    def _join(self) -> None:
        if self.joined < JOIN_MAX and self.lost is None:  # whose number the next would have
            self.joined += 1
            self.world.join(self.invite, self.chance.sample(self.world.nodes[:4], 2))

    def _rekey(self) -> None:
        """Change a member's key, unless a change of theirs is under way."""
        node = self.chance.choice(self.world.nodes[1:])
        person = node.person
        if not node.is_up or node is self.back:
            return
        known = member_keys.keys_of(node.service.core.replica.ledger.state, person.inception.member)
        if known is not None and known.keys == (person.member_signer.key,):
            new = Signer(self.chance.randbytes(32))
            document = returning.document(new)
            devices = [person.device]
            community = self.world.community
            data = key_rotation.sign_rekey(
                person.member_signer, known, community, document, devices
            )
            ticket = node.submit(Wish(key_rotation.REKEY, data))
            self.world.run(200)
            if isinstance(node.answers.get(ticket), dict):
                person.member_signer = new

    def _lose(self) -> None:
        """Let the member who is no witness lose the device, and come back by the words."""
        node = self.world.nodes[4]
        first = self.world.nodes[0].service.core.replica.ledger.state
        is_old = node.person.inception.keys == (node.person.member_signer.key,)
        status = membership.status_of(first, node.person.device)
        if self.lost is None and is_old and status == "active":
            self.lost = node
            returning.lose(self.world, node)
            self.back = returning.restore(self.world, node.person, self.world.nodes[:3])

    def _revoke(self) -> None:
        back, lost = self.back, self.lost
        if back is None or lost is None or not back.is_up or back.store.setting(RESTORING):
            return
        row = back.store.log(lost.person.device)
        if row.length:
            signer, member = back.person.member_signer, back.person.inception.member
            fields = (self.world.community, member, row.author, row.length - 1, row.head)
            word = keys.sign_array(signer, keys.REVOKE_CONTEXT, *fields)
            data: dict[str, Any] = {"device": row.author, "seq": row.length - 1, "id": row.head}
            back.submit(Wish("device.revoke", {**data, "signatures": [[signer.key, word]]}))

    def _restart(self) -> None:
        node = self.chance.choice(self.world.nodes)
        if node.is_up:
            node.crash()
            node.restart_later()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_at_once_all_agree_and_seal_in_calm(seed: int) -> None:
    mixture = Mixture(seed)
    world = mixture.world
    world.storm(storm(mixture.chance), SECONDS, mixture.second)
    world.network.pace = 0
    world.settle()
    check(world)
    next_seal(world, world.nodes)
