"""A hostile member's own gossip stream: what it can make a node do and keep."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from libp2p.custom_types import TProtocol
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_uvarint

from commonweal.node.network.channel.noise import peer_id
from commonweal.node.network.channel.stream import WRITE_BYTES_MAX, Stream
from commonweal.node.network.gossip.gossip import MESHSUB
from commonweal.node.network.gossip.router import RPC_BYTES_MAX
from commonweal.node.transport import Disconnected
from tests.builders.link_pairs import PATIENCE_S, End, heard, running

TOPIC = "t"


@asynccontextmanager
async def gossiping() -> AsyncIterator[tuple[End, End, End, Stream]]:
    """A node, an honest member and a hostile one, with its gossip stream to the node."""
    node, honest, eve = End(1), End(2), End(3)
    for end in (node, honest, eve):
        end.network.subscribe([TOPIC])
    async with running(node, honest, eve):
        await node.dial(honest)
        await eve.dial(node)
        await gossip_works(honest, node)
        host = eve.network._host
        yield node, honest, eve, await host.new_stream(peer_id(node.key), [TProtocol(MESHSUB)])


async def gossip_works(sender: End, receiver: End) -> None:
    """Publish until the receiver hears it."""
    data = b"mesh %d" % len(receiver.events)
    with trio.fail_after(PATIENCE_S), trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            async def publish() -> None:
                while True:
                    sender.network.publish(TOPIC, data)
                    await trio.sleep(0.2)

            nursery.start_soon(publish)
            await heard(receiver, data)
            scope.cancel()


async def say(stream: Stream, rpc: rpc_pb2.RPC) -> None:
    """Send one RPC."""
    data = rpc.SerializeToString()
    assert len(data) <= RPC_BYTES_MAX
    await stream.write(encode_uvarint(len(data)) + data)


def control(**said: object) -> rpc_pb2.RPC:
    """An RPC that speaks of the mesh."""
    return rpc_pb2.RPC(control=rpc_pb2.ControlMessage(**said))  # type: ignore[arg-type]


def peak_mib() -> int:
    """The most memory that this process has had since `forget_peak`."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def forget_peak() -> None:
    """Begin anew to look for the most."""
    Path("/proc/self/clear_refs").write_text("5")


async def test_a_list_of_ids_brings_no_more_than_one_rpc() -> None:
    async with gossiping() as (node, _, eve, stream):
        for number in range(8):
            eve.network.publish(TOPIC, bytes([number]) * 200_000)
        await heard(node, bytes([7]) * 200_000)
        cached = list(node.network._gossip._pubsub.router.mcache.msgs)  # type: ignore[union-attr]
        forget_peak()
        before = peak_mib()
        ids = cached * 500
        await say(stream, control(iwant=[rpc_pb2.ControlIWant(messageIDs=ids)]))
        await gossip_works(eve, node)
        assert peak_mib() - before < 64, "a list of ids asked for a gigabyte"
        assert node.has(eve.key)


async def test_who_asks_or_tells_of_messages_without_end_is_dropped() -> None:
    ids = [random.Random(1).randbytes(20) for _ in range(20_000)]
    for said in (
        control(iwant=[rpc_pb2.ControlIWant(messageIDs=ids)]),
        control(ihave=[rpc_pb2.ControlIHave(topicID=TOPIC, messageIDs=ids)]),
        control(graft=[rpc_pb2.ControlGraft(topicID=TOPIC)] * 2_000),
        rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=TOPIC)] * 200),
    ):
        await dropped_for(said)


async def test_who_reads_nothing_and_subscribes_again_and_again_is_sent_little() -> None:
    async with gossiping() as (node, honest, eve, stream):
        gossip: Any = node.network._gossip._pubsub
        sent, replays = gossip.peers[peer_id(eve.key)], 0
        plain = gossip.router.send_recent_messages

        async def counted(*asked: Any) -> None:
            nonlocal replays
            replays += 1
            await plain(*asked)

        gossip.router.send_recent_messages = counted
        mux = eve.network._links.linked[node.key].mux
        assert mux is not None
        for unread in mux.streams.values():
            unread.grant = lambda size: None  # type: ignore[method-assign]
        said = [rpc_pb2.RPC.SubOpts(subscribe=follows, topicid=TOPIC) for follows in (False, True)]
        leaves, returns = (rpc_pb2.RPC(subscriptions=[each]) for each in said)
        with trio.fail_after(PATIENCE_S):
            while sent.queued_bytes <= WRITE_BYTES_MAX:
                node.network.publish(TOPIC, bytes(60_000))
                await trio.sleep(0.01)
        await say(stream, leaves)
        with trio.fail_after(PATIENCE_S):
            while peer_id(eve.key) in gossip.peer_topics[TOPIC]:
                await trio.sleep(0.01)
        node.network.publish(TOPIC, b"while nobody knows that eve follows" + bytes(60_000))
        for _ in range(30):
            await say(stream, returns)
            await say(stream, leaves)
        await gossip_works(honest, node)
        with trio.fail_after(PATIENCE_S):
            while gossip.peer_topics.get(TOPIC, set()) & {peer_id(eve.key)}:
                await trio.sleep(0.01)
        assert sent.queued_bytes < WRITE_BYTES_MAX + 2 * 60_100, "what was queued, and no more"
        assert replays <= 1, "once for each link and topic"
        assert node.has(eve.key)


async def test_who_publishes_without_end_or_what_is_false_is_dropped() -> None:
    false = rpc_pb2.Message(from_id=peer_id(End(2).key).to_bytes(), topicIDs=[TOPIC])
    false.seqno, false.data, false.signature = b"12345678", b"not signed", bytes(64)
    await dropped_for(rpc_pb2.RPC(publish=[false] * 100))
    own = rpc_pb2.Message(from_id=peer_id(End(3).key).to_bytes(), topicIDs=[TOPIC])
    await dropped_for(rpc_pb2.RPC(publish=[own] * 5_000))


async def dropped_for(said: rpc_pb2.RPC) -> None:
    """The hostile member is dropped, by the node and with a reason; the honest one is heard."""
    async with gossiping() as (node, honest, eve, stream):
        await say(stream, said)
        end = await node.wait(Disconnected)
        assert (end.peer, end.by_us) == (eve.key, True)
        assert "floods gossip" in end.reason
        await gossip_works(honest, node)


async def test_topics_that_are_made_up_leave_nothing() -> None:
    async with gossiping() as (node, _, eve, stream):
        for number in range(4):
            names = [f"{number}/{i}" for i in range(200)]
            await say(
                stream,
                control(
                    prune=[rpc_pb2.ControlPrune(topicID=one) for one in names],
                    ihave=[rpc_pb2.ControlIHave(topicID=names[0])],
                ),
            )
        await gossip_works(eve, node)
        router: Any = node.network._gossip._pubsub.router  # type: ignore[union-attr]
        assert set(router.back_off) <= {TOPIC}
        assert all(set(one) <= {TOPIC} for one in router.ihave_message_limits.values())
        assert node.has(eve.key)
