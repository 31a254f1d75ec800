"""Slow lines and slow peers: who is behind one catches up, and nobody waits for the other."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.node import transport
from commonweal.node.service import events
from commonweal.node.service.events import Action, Event, Wish
from commonweal.node.service.service import Service
from commonweal.protocol.errors import OlderCopy
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.wire import frame_codec, messages
from tests.sim.world.byzantine import copy_of
from tests.sim.world.node import Node
from tests.sim.world.returning import turn
from tests.sim.world.world import World

MOBILE_BYTES_PER_MS = 5
"""40 kbit/s: a frame of records takes a minute and more."""


def write_much(world: World, node: Node, count: int, size: int = 1_000) -> None:
    """Let a member write many large records."""
    for _ in range(count // 50):
        node.submit(*[Wish("event", {"pad": "x" * size})] * 50)
        world.run(100)


def test_who_was_away_catches_up_over_a_slow_line() -> None:
    world = World(1)
    world.grow(2)
    here, away = world.nodes
    away.crash()
    write_much(world, here, 2_000)
    world.network.pace = MOBILE_BYTES_PER_MS
    away.start()
    assert world.settle(1_200_000) < 600_000
    assert not here.service.core.ends[away.key].reason.startswith("silent")


class Dripper(Service):
    """A peer that sends one new record every few seconds, so that it is never quite silent."""

    promises = "all that it has"

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.asked: dict[PeerKey, dict[DeviceKey, int]] = {}

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Do as a service does, but only note what is asked for."""
        if isinstance(event, transport.FrameReceived) and self.core.peers[event.peer].is_member:
            said = frame_codec.decode(event.frame)
            done: list[Action] = [events.Taken(event.peer, len(event.frame))]
            if isinstance(said, messages.WantRecords):
                asked = self.asked.setdefault(event.peer, {})
                asked |= {one.author: one.start for one in said.ranges}
                return done
            if self.promises == "one more" and isinstance(said, messages.Compare):
                return [
                    events.Send(event.peer, frame_codec.encode(messages.Same(said.digest))),
                    *done,
                ]
        return super().handle(event, now_ms)

    def drip(self, author: DeviceKey) -> list[Action]:
        """Send everybody one record of a log."""
        actions: list[Action] = []
        for session in self.core.members():
            start = self.asked.get(session.key, {}).get(author, 3)
            wires = tuple(self.core.replica.store.wires(author, start, start + 1, 1))
            left = 0 if self.promises == "one more" else 100
            have = messages.Have(((author, start + 2),), 0)
            run = messages.Runs((messages.Run(author, start, wires),), left, asked=True)
            actions += [events.Send(session.key, frame_codec.encode(one)) for one in (have, run)]
            self.asked.setdefault(session.key, {})[author] = start + 1
        return actions


class OneMore(Dripper):
    """It says of everything else that both are equal."""

    promises = "one more"


@pytest.mark.parametrize("mind", [Dripper, OneMore])
def test_who_drips_records_does_not_keep_others_from_bringing_them(mind: type[Dripper]) -> None:
    world = World(2)
    world.grow(4)
    here, dripper, other, away = world.nodes
    away.crash()
    write_much(world, here, 500)
    world.run(3_000)
    turn(dripper, copy_of(dripper.store), mind)
    pairs = [(one.key, away.key) for one in (here, other)]
    world.network.blocked = dict.fromkeys([*pairs, *((b, a) for a, b in pairs)])
    away.start()
    world.run(4_000)  # it meets the dripper first
    author = here.person.device
    for second in range(60):
        world.run(1_000)
        world.network.blocked = {}
        if second % 4 == 0:
            assert isinstance(dripper.service, Dripper)
            dripper.perform(dripper.service.drip(author))
        if away.store.log(author).length == here.store.log(author).length:
            break
    assert second < 30


def test_who_is_an_older_copy_writes_nothing_before_a_slow_line_has_shown_it() -> None:
    world = World(3)
    world.grow(2)
    here, back = world.nodes
    world.settle()
    older = copy_of(back.store)
    write_much(world, here, 500, 6_000)
    world.settle()
    head = here.store.log(here.person.device).head
    back.submit(Wish("attest", {"yes": True}, (head,)))  # stands after all of them
    world.settle()
    back.crash()
    back.store = older
    world.network.pace = MOBILE_BYTES_PER_MS
    back.start()
    world.run(5_000)  # it has met a peer: before, none could tell it
    tickets = []
    for _ in range(3_500):
        world.run(200)
        world.watch()
        tickets.append(back.write("again"))
    world.settle(1_200_000)
    assert isinstance(back.answers[tickets[0]], OlderCopy)
    ticket = back.write("and now")
    world.settle()
    assert isinstance(back.answers[ticket], dict)
