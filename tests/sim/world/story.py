"""One simulated run: a community that grows, writes and suffers, as its seed says."""

from __future__ import annotations

from dataclasses import dataclass, field

from commonweal.node.service.events import Text, Wish
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records.record import RecordId
from tests.sim.world.node import Node
from tests.sim.world.weather import Weather, storm
from tests.sim.world.world import CALM_MS_MAX, World

NODES_MIN, NODES_MAX = 5, 25
SECONDS_MIN, SECONDS_MAX = 3, 6
WRITES_PER_SECOND = 3


@dataclass(slots=True)
class Story:
    """What happens in a run. Every run has a community that stands, then a storm, then calm."""

    world: World
    weather: Weather
    seconds: int
    joins: int
    hosts: list[Node] = field(default_factory=list)
    newcomers: list[Node] = field(default_factory=list)
    rivals: list[Node] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int) -> Story:
        """Return the story of a seed: small communities mostly, large ones now and then."""
        world = World(seed)
        rng = world.rng
        size = NODES_MIN + int((NODES_MAX - NODES_MIN + 1) * rng.random() ** 9)
        joins = rng.randint(0, min(3, size - 3))
        story = cls(world, storm(rng), rng.randint(SECONDS_MIN, SECONDS_MAX), joins)
        world.grow(size - joins)
        return story

    def run(self) -> int:
        """Let it happen; return how many ms of calm it took until all agreed."""
        world = self.world
        invite = world.invited(world.nodes[0], max(1, self.joins))
        single = world.invited(world.rng.choice(world.nodes)) if self.joins else None
        world.storm(self.weather, self.seconds, lambda: self._second(invite, single))
        if len(self.rivals) == 2:
            self._settle_rivals()
        return world.settle()

    def _second(self, invite: Invite, single: Invite | None) -> None:
        world, rng = self.world, self.world.rng
        for _ in range(rng.randint(0, WRITES_PER_SECOND)):
            node = rng.choice(world.nodes)
            self._write(node)
        if self.joins and rng.random() < 0.4:
            self.joins -= 1
            if single is not None and len(self.rivals) < 2 and rng.random() < 0.7:
                self.rivals.append(world.join(single, self._hosts()))
            else:
                self.newcomers.append(world.join(invite, self._hosts()))

    def _hosts(self) -> list[Node]:
        rng = self.world.rng
        return [rng.choice(self.world.nodes) for _ in range(rng.randint(1, 3))]

    def _write(self, node: Node) -> None:
        rng = self.world.rng
        if not node.is_up:
            return
        cited: list[RecordId] = []
        for other in self.world.nodes:
            if rng.random() < 0.2:
                row = node.service.core.replica.row(other.person.device)
                cited += [row.head] if row.length else []
        note = Text("text/plain", rng.randbytes(rng.randint(1, 40))) if rng.random() < 0.3 else None
        kind = "event"
        if rng.random() < 0.05:
            kind, note = "rules.propose", Text("", rng.randbytes(3_000), permanent=True)
        count = 1 if rng.random() < 0.9 else rng.randint(2, 30)
        wish = Wish(kind, {"action": "work", "n": rng.getrandbits(30)}, tuple(cited[:8]), note)
        node.submit(*[wish] * count)

    def _settle_rivals(self) -> None:
        """Of two with one invite for one, one becomes a member and the other is told why not."""
        world, founder = self.world, self.world.nodes[0]
        for _ in range(CALM_MS_MAX // 1_000):
            world.run(1_000)
            if not founder.is_up:
                continue
            state = founder.service.core.replica.ledger.state
            lost = [
                one for one in self.rivals if not membership.member_of(state, one.person.device)
            ]
            if len(lost) == 0:
                raise world.broken("an invite for one admitted two")
            refusals = [one.service.handshake.refusal for one in lost if one.is_up]
            if len(lost) == 1 and refusals and refusals[0] and refusals[0][0] == "invite-used":
                world.refused[lost[0].number] = None
                return
        raise world.broken("of two with one invite none was told that it is used")
