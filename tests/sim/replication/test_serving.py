"""What is sent to who fetches much: each frame is closed with those before it, and fits."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.node.service.events import Committed, Send
from commonweal.node.service.sync.serve import FRAMES_IN_FLIGHT_MAX, FRAMES_MORE
from commonweal.node.transport import FrameReceived
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records import log, record
from commonweal.protocol.records.record import Record, RecordDraft, RecordId, from_bytes_unchecked
from commonweal.protocol.wire import frame_codec, messages
from tests.sim.world.node import Node
from tests.sim.world.world import World

Logs = dict[DeviceKey, list[Record]]


def written(world: World, rng: Random, count: int, writers: int, large: float) -> Logs:
    """Return logs of which many records cite others; `large`: how often one is of some kB."""
    signers = [Signer(rng.randbytes(32)) for _ in range(writers)]
    logs: Logs = {DeviceKey(one.key): [] for one in signers}
    everything: list[Record] = []
    for _ in range(count):
        signer = signers[min(int(rng.expovariate(4 / writers)), writers - 1)]
        own = logs[DeviceKey(signer.key)]
        tip = log.Tip(len(own), own[-1].id, own[-1].clock) if own else log.Tip()
        cited = rng.sample(everything, min(len(everything), rng.choice((0, 0, 0, 1, 2))))
        deps = tuple(sorted({one.id for one in cited} - {tip.head}))
        clocks = [one.clock for one in cited if one.id in deps]
        basis = RecordId(world.community)
        place = log.next_position(world.community, tip, basis, clocks, 1)
        text = "x" * rng.randrange(8_000 if rng.random() < large else 200)
        one = record.sign(signer, place, RecordDraft("event", {"note": text}, 1, deps))
        own.append(one)
        everything.append(one)
    return {author: run for author, run in logs.items() if run}


def frames(node: Node, peer: Node, logs: Logs) -> list[messages.Runs]:
    """Return what `node` sends to `peer`, who fetches these logs and says what it took."""
    found = came = answer(node, peer, fetch(logs))
    while came[-1].remaining:
        came = answer(node, peer, messages.Have((), len(came)))
        assert came, "it stopped before the end"
        found = found + came
    return found


def fetch(logs: Logs) -> messages.WantRecords:
    """Return the wish for all of these logs."""
    return messages.WantRecords(
        tuple(messages.Range(author, 0, len(run)) for author, run in logs.items())
    )


def answer(node: Node, peer: Node, said: messages.Message) -> list[messages.Runs]:
    """Return the frames of records that `node` sends when `peer` says something."""
    actions = node.service.handle(FrameReceived(peer.key, frame_codec.encode(said)), node.now_ms)
    actions += node.service.handle(Committed(), node.now_ms)
    sent = [one.frame for one in actions if isinstance(one, Send) and one.peer == peer.key]
    return [
        one for one in map(frame_codec.decode, sent) if isinstance(one, messages.Runs) and one.asked
    ]


@pytest.mark.parametrize(
    ("seed", "count", "writers", "large"),
    [(1, 4_000, 10, 0.0), (2, 1_500, 40, 0.1), (3, 1_200, 1_000, 0.05), (4, 900, 3, 1.0)],
)
def test_frames_are_closed_and_fit(seed: int, count: int, writers: int, large: float) -> None:
    world, rng = World(seed), Random(seed)
    world.grow(2)
    world.settle()
    node, peer = world.nodes
    logs = written(world, rng, count, writers, large)
    for author, run in logs.items():
        node.service.core.replica.append(author, run, {}, checked=True)
    held = {RecordId(world.community)}
    lengths = dict.fromkeys(logs, 0)
    for frame in frames(node, peer, logs):
        assert len(frame_codec.encode(frame)) <= messages.FRAME_BYTES_MAX // 2 + messages.RUNS_MAX
        records = [from_bytes_unchecked(one) for run in frame.runs for one in run.wires]
        held |= {one.id for one in records}
        assert all(held.issuperset((*one.deps, one.basis)) for one in records), "not closed"
        for part in frame.runs:
            assert part.start == lengths[part.author]
            lengths[part.author] += len(part.wires)
    assert lengths == {author: len(run) for author, run in logs.items()}


def test_frames_are_full_but_the_last() -> None:
    world = World(5)
    world.grow(2)
    world.settle()
    node, peer = world.nodes
    logs = written(world, Random(5), 6_000, 20, 0.0)
    for author, run in logs.items():
        node.service.core.replica.append(author, run, {}, checked=True)
    *full, _ = [len(frame_codec.encode(one)) for one in frames(node, peer, logs)]
    assert len(full) >= 3
    assert min(full) >= 0.9 * messages.RUNS_BYTES_AIM


def test_few_frames_are_made_before_the_first_one_leaves() -> None:
    world = World(6)
    world.grow(2)
    world.settle()
    node, peer = world.nodes
    logs = written(world, Random(6), 5_000, 3, 0.4)
    for author, run in logs.items():
        node.service.core.replica.append(author, run, {}, checked=True)
    assert len(answer(node, peer, fetch(logs))) == FRAMES_MORE
    assert answer(node, peer, messages.Have((), 0)), "the window did not grow"
    under_way = 2 * FRAMES_MORE
    for _ in range(5):
        under_way += len(answer(node, peer, messages.Have((), 1))) - 1
    assert under_way == FRAMES_IN_FLIGHT_MAX
