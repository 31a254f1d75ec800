"""A community in two halves that decide the same thing apart, and what comes of it after healing.

The founder alone seals. In whose half they are decides whose records come first; when they are in
neither, one seal has the records of both, and the smaller clock comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never

from commonweal.node.service.events import Text, Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.timing import BACK_MS_MIN
from tests.sim.consensus.test_seals import chain, check, seal_soon, until
from tests.sim.world.node import OPEN, Node
from tests.sim.world.world import World

Order: TypeAlias = Literal["a first", "b first", "a earlier in one seal", "b earlier in one seal"]
ORDERS: tuple[Order, ...] = (
    "a first",
    "b first",
    "a earlier in one seal",
    "b earlier in one seal",
)
"""Which half seals before healing; in one seal, whose clock is the smaller."""

ID_BYTES = 32
WRITES_MS = 1_500
"""Time in which what is written in a half reaches all nodes of it."""
SEALED_MS_MAX = 120_000
LATER_BY = 6
"""Records that a half writes before it acts, so that its clock is the larger one."""


def member(node: Node) -> MemberId:
    """Return whose node it is."""
    return node.person.inception.member


def final(node: Node) -> State:
    """Return the state at the last seal that a node follows."""
    assert node.assessor is not None, "it looked at its ledger"
    return node.assessor.kept.final


def write(
    node: Node, kind: str, data: Mapping[str, Value], note: str = "", *, permanent: bool = False
) -> RecordId:
    """Let a member write a record, also one that will count for nothing; return its id.

    It cites the records that it names, so that it stands after them. permanent: whether the note
    is kept for ever.
    """
    text = Text("text/plain", note.encode(), permanent=permanent) if note else None
    cited = [id for id in named_in(dict(data)) if node.store.clock_of(id) is not None]
    ticket = node.submit(Wish(kind, dict(data), tuple(dict.fromkeys(cited)), text))
    node.world.run(100)
    answer = node.answers[ticket]
    assert isinstance(answer, dict), answer
    id: RecordId = answer["records"][0]["id"]
    return id


def named_in(value: Value) -> Iterator[RecordId]:
    """Yield what may be ids in the data of a record."""
    if isinstance(value, bytes) and len(value) == ID_BYTES:
        yield RecordId(value)
    elif isinstance(value, list):
        for part_of_it in value:
            yield from named_in(part_of_it)
    elif isinstance(value, dict):
        yield from named_in([*value.values()])


@dataclass(slots=True)
class Parted:
    """Four members besides the founder, in two halves: `a` with `third`, and `b` with `fourth`."""

    world: World

    @property
    def founder(self) -> Node:
        """The only witness."""
        return self.world.nodes[0]

    @property
    def a(self) -> Node:
        """The member who acts in the one half."""
        return self.world.nodes[1]

    @property
    def b(self) -> Node:
        """The member who acts in the other half."""
        return self.world.nodes[2]

    @property
    def third(self) -> Node:
        """The member who is with `a`."""
        return self.world.nodes[3]

    @property
    def fourth(self) -> Node:
        """The member who is with `b`."""
        return self.world.nodes[4]

    def apart(self, order: Order, act_a: Callable[[], Any], act_b: Callable[[], Any]) -> None:
        """Part the community, let both halves act, heal it, and let all of it be final."""
        founder, ours, theirs = [self.founder], [self.a, self.third], [self.b, self.fourth]
        match order:
            case "a first":
                halves: list[list[Node]] = [founder + ours, theirs]
            case "b first":
                halves = [ours, founder + theirs]
            case "a earlier in one seal" | "b earlier in one seal":
                halves = [founder, ours, theirs]
            case _:
                assert_never(order)
        part(self.world, *halves)
        if order.endswith("in one seal"):
            late = self.b if order.startswith("a") else self.a
            late.submit(*[Wish("event", {"action": "work", "n": n}) for n in range(LATER_BY)])
            self.world.run(WRITES_MS)
        act_a()
        act_b()
        self.world.run(WRITES_MS)
        if order in ("a first", "b first"):
            seal(self.world, halves[0] if order == "a first" else halves[1])
        heal(self.world)
        seal(self.world)
        assert_one_state(self.world)


def community(seed: int, rules: Mapping[str, Value] = OPEN, size: int = 5) -> Parted:
    """Return a community whose members are connected and hold the same, all of it sealed."""
    world = World(seed, seals=True, rules=rules)
    world.grow(size)
    seal(world)
    return Parted(world)


def pass_time(world: World, ms: int) -> None:
    """Let time pass on every clock, in steps that no node takes for a clock that was set."""
    step_ms = BACK_MS_MIN // 2
    for _ in range(-(-ms // step_ms)):
        for node in world.nodes:
            node.shift(step_ms)
        world.run(WRITES_MS)


def part(world: World, *halves: Sequence[Node]) -> None:
    """Let nothing pass between the halves, in either direction."""
    keys = [{node.key for node in half} for half in halves]
    world.network.blocked = {
        (here, there): None
        for one in keys
        for other in keys
        if one is not other
        for here in sorted(one)
        for there in sorted(other)
    }


def heal(world: World) -> None:
    """Let all nodes reach each other again, and wait until all hold the same."""
    world.network.blocked = {}
    world.settle(SEALED_MS_MAX)


def goes(node: Node) -> None:
    """Note that a member's membership ends, so that nobody waits for their node."""
    node.world.refused[node.number] = None


def seal(world: World, half: Iterable[Node] = ()) -> int:
    """Let all that is held be sealed, and folded by each member of a half; return the height.

    half: the founder is in it; everybody when none is named.
    """
    founder = world.nodes[0]
    nodes = [node for node in half or world.nodes if node in world.members]
    assert founder in nodes, "the founder alone seals"
    last = write(founder, "event", {"action": "work"})
    world.run(WRITES_MS)
    seal_soon(founder)
    until(
        world,
        lambda: all(node.is_up and is_final(node, last) for node in nodes),
        SEALED_MS_MAX,
        "what was written last is not final everywhere",
    )
    return folded(founder)


def is_final(node: Node, id: RecordId) -> bool:
    """Whether a node folded a seal that covers a record."""
    record = node.store.record(id)
    return record is not None and node.assessor is not None and node.assessor.kept.is_final(record)


def folded(node: Node) -> int:
    """Return the height up to which a node folded its ledger."""
    return 0 if node.assessor is None else node.assessor.kept.cut.height


def assert_one_state(world: World) -> None:
    """Check that all nodes are at one seal, with one root of the state."""
    check(world)
    roots = set()
    for node in world.members:
        last = chain(node).seals.at(folded(node))
        assert last is not None
        assert node.assessor is not None and not node.assessor.outlook().alarm
        roots.add((folded(node), last.sealed.seal.id, last.sealed.seal.state_root))
    assert len(roots) == 1, roots
