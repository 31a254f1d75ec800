"""Gossipsub among admitted peers, with walls around everything that libp2p may raise.

Topics, and the fact that we gossip at all, are shown to admitted peers only: streams are
opened by hand after admission, never on connecting. What a peer sends can end its own
gossip stream and nothing else. Gossip is a hint: full queues drop, and repair brings it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, cast

import trio
from google.protobuf.message import DecodeError
from libp2p.abc import IHost, INetStream
from libp2p.exceptions import ParseError
from libp2p.io.exceptions import IncompleteReadError, MessageTooLarge
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.utils import safe_bytes_from_hex
from libp2p.tools.anyio_service import background_trio_service
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from commonweal.node.network.noise import WrongPeer, peer_id, peer_key
from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import (
    GossipMessage,
    PeerKey,
    Validate,
    ValidatedGossip,
    ValidationResult,
)

log = logging.getLogger(__name__)

MESHSUB: Final = str(PROTOCOL_ID_V11)
GOSSIP_BYTES_MAX: Final = 256 * 1024
"""The largest gossip message, ours or theirs."""
RPC_BYTES_MAX: Final = 1 << 20
PUBLISH_QUEUE_MAX: Final = 256
TOPICS_MAX: Final = 16
MESSAGES_PER_S: Final = 50
MESSAGES_BURST: Final = 200
BYTES_PER_S: Final = 512 * 1024
BYTES_BURST: Final = 4 * 1024 * 1024
"""What one peer may hand us before its messages are dropped unread."""
CONTROL_PER_S: Final = 100
CONTROL_BURST: Final = 1_000
"""What one peer may say of the mesh and of ids of messages; one who goes beyond is dropped."""
SUBSCRIPTION_WEIGHT: Final = 10
"""Each makes us send what was lately said on the topic."""
IDS_PER_CONTROL: Final = 16
FAULTS_PER_S: Final = 5
FAULTS_BURST: Final = 64
"""Messages of one peer that may be false, or its own and too many; with more it is dropped."""
IGNORED: Final = ValidatedGossip(ValidationResult.IGNORE)
HEARTBEAT_S: Final = 1
RESTART_S: Final = 1.0
FORGET_S: Final = 30
"""So often what libp2p notes of each message is let go, some 3 KiB that nobody looks at again."""
VALIDATED_MAX: Final = 64
"""Messages of which libp2p notes that they were judged; what was seen is not judged again."""


class Gossip:
    """The gossip of one node. `run` keeps it going; the other calls never wait.

    host: what Pubsub needs of a libp2p host. validate: whether a message is passed on, and
    what it says. heard: called with each message that is. flooded: called with a peer that is
    to be dropped for what it says here.
    """

    def __init__(
        self,
        host: object,
        *,
        validate: Validate,
        heard: Callable[[PeerKey, GossipMessage, object], None],
        members: Callable[[], Sequence[PeerKey]],
        flooded: Callable[[PeerKey], None],
    ) -> None:
        self.published = 0
        self.heard = 0
        self.restarts = 0
        self._host = cast(IHost, host)
        self._validate = validate
        self._emit = heard
        self._members = members
        self._flooded = flooded
        self._pubsub: _SafePubsub | None = None
        self._topics: tuple[str, ...] = ()
        self._changed = trio.Event()
        self._send, self._queue = trio.open_memory_channel[tuple[str, bytes]](PUBLISH_QUEUE_MAX)

    @property
    def peer_count(self) -> int:
        """How many peers we have an open gossip stream to."""
        return len(self._pubsub.peers) if self._pubsub is not None else 0

    async def run(self) -> None:
        """Gossip until cancelled; should libp2p's service fall over, begin again."""
        while True:
            try:
                async with self._service() as pubsub, trio.open_nursery() as nursery:
                    nursery.start_soon(self._follow_topics, pubsub)
                    nursery.start_soon(self._publish_queued, pubsub)
                    nursery.start_soon(_forget, pubsub)
            except Exception as error:  # the wall around libp2p
                log.warning("gossip stopped and begins again: %s", _words(error))
            self._pubsub = None
            self.restarts += 1
            await trio.sleep(RESTART_S)

    def join(self, peer: PeerKey) -> None:
        """The peer is admitted: open a gossip stream to it, again and again until it takes it."""
        if self._pubsub is not None:
            self._pubsub.join(peer_id(peer))

    def leave(self, peer: PeerKey) -> None:
        """The peer is gone."""
        if self._pubsub is not None:
            self._pubsub.leave(peer_id(peer))

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow exactly these topics from now on."""
        assert len(topics) <= TOPICS_MAX, "a community has few topics"
        self._topics = tuple(dict.fromkeys(topics))
        self._changed.set()

    def publish(self, topic: str, data: bytes) -> bool:
        """Queue a message; False when the queue is full or the message too large."""
        if len(data) > GOSSIP_BYTES_MAX:
            return False
        try:
            self._send.send_nowait((topic, data))
        except trio.WouldBlock:
            return False
        self.published += 1
        return True

    @asynccontextmanager
    async def _service(self) -> AsyncIterator[_SafePubsub]:
        router = _SafeRouter(
            protocols=[PROTOCOL_ID_V11],
            degree=6,
            degree_low=4,
            degree_high=12,
            heartbeat_interval=HEARTBEAT_S,
            prune_back_off=10,
            adaptive_gossip_enabled=False,
            spam_protection_enabled=False,
            eclipse_protection_enabled=False,
        )
        pubsub = _SafePubsub(self._host, router, self._flooded, lambda: self._topics)
        try:
            async with background_trio_service(router), background_trio_service(pubsub):
                await pubsub.wait_until_ready()
                self._pubsub = pubsub
                for peer in self._members():
                    pubsub.join(peer_id(peer))
                yield pubsub
        finally:
            pubsub.seen_messages.stop()

    async def _follow_topics(self, pubsub: _SafePubsub) -> None:
        while True:
            self._changed = trio.Event()
            wanted, followed = self._topics, tuple(pubsub.topic_ids)
            for topic in followed:
                if topic not in wanted:
                    await pubsub.unsubscribe(topic)
                    pubsub.remove_topic_validator(topic)
            for topic in wanted:
                if topic not in followed:
                    judge = partial(self._judge, pubsub)
                    pubsub.set_topic_validator(topic, judge, is_async_validator=False)
                    await pubsub.subscribe(topic)
            await self._changed.wait()

    async def _publish_queued(self, pubsub: _SafePubsub) -> None:
        async for topic, data in self._queue:
            await pubsub.publish(topic, data)

    def _judge(self, pubsub: _SafePubsub, forwarder: ID, message: rpc_pb2.Message) -> bool:
        """The validator: ours passes; a good one of others is handed on. `push_msg` is its wall.

        What is ignored counts as seen, so that nobody answers for handing it to us again.
        """
        ours = self._host.get_id()
        if forwarder == ours:
            return True
        if len(message.topicIDs) != 1 or len(message.data) > GOSSIP_BYTES_MAX:
            return False
        try:
            origin = peer_key(ID(message.from_id))
        except WrongPeer:
            return False
        number = int.from_bytes(message.seqno, "big")
        gossiped = GossipMessage(message.topicIDs[0], message.data, origin, number)
        judged = IGNORED if origin == peer_key(ours) else self._validate(gossiped)
        match judged.verdict:
            case ValidationResult.ACCEPT:
                self.heard += 1
                self._emit(peer_key(forwarder), gossiped, judged.content)
                return True
            case ValidationResult.IGNORE:
                pubsub.let_go(message)
                return False
            case ValidationResult.REJECT:
                return False


class _Allowance:
    """What is left to one peer."""

    def __init__(self) -> None:
        self.messages = TokenBucket(MESSAGES_PER_S, MESSAGES_BURST)
        self.bytes = TokenBucket(BYTES_PER_S, BYTES_BURST)
        self.control = TokenBucket(CONTROL_PER_S, CONTROL_BURST)
        self.faults = TokenBucket(FAULTS_PER_S, FAULTS_BURST)


class _SafePubsub(Pubsub):
    """Pubsub that outlives what it is sent; peers join and leave by hand.

    flooded: called with a peer that says too much, or what is false; it is to be dropped.
    topics: those that we follow; of others nothing is kept.
    """

    def __init__(
        self,
        host: IHost,
        router: GossipSub,
        flooded: Callable[[PeerKey], None],
        topics: Callable[[], Sequence[str]],
    ) -> None:
        super().__init__(
            host,
            router,
            max_inbound_rpc_size=RPC_BYTES_MAX,
            validation_cache_size=VALIDATED_MAX,
        )
        self._allowances: dict[ID, _Allowance] = {}
        self._flooded, self._topics = flooded, topics
        self.counter = time.time_ns()
        """Numbers our messages, so that those of an earlier life are lower."""

    def let_go(self, message: rpc_pb2.Message) -> None:
        """Count a message as seen, though it was not taken."""
        self._mark_msg_seen(message)

    def handle_subscription(self, origin_id: ID, sub_message: rpc_pb2.RPC.SubOpts) -> None:
        """Note what a peer follows, of the topics that we follow; libp2p would keep any name."""
        if sub_message.topicid in self._topics():
            super().handle_subscription(origin_id, sub_message)

    def join(self, peer: ID) -> None:
        """Open a stream to an admitted peer, trying until it takes it or is gone."""
        self._schedule_peer_stream_retry(peer)

    def leave(self, peer: ID) -> None:
        """Forget a peer that is no longer connected."""
        self._allowances.pop(peer, None)
        try:
            self._handle_dead_peer(peer)
        except Exception as error:  # the wall around libp2p
            log.warning("gossip could not forget %s: %s", peer, _words(error))

    async def _handle_new_peer(self, peer_id: ID) -> None:
        """Greet a peer; what we begin or cease to follow while that is on its way is told after it.

        libp2p tells changes to those whom it has greeted, and this one would never hear of them.
        """
        before = set(self.topic_ids)
        await super()._handle_new_peer(peer_id)
        if peer_id in self.peers:
            for topic in sorted(before ^ set(self.topic_ids)):
                follows = topic in self.topic_ids
                change = rpc_pb2.RPC.SubOpts(subscribe=follows, topicid=topic)
                self._schedule_announce_retry(peer_id, change)

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Take in what a peer sends, one after the other, as far as it may.

        libp2p's own loop begins a task for each message, and keeps each topic that is named.
        """
        peer = stream.muxed_conn.peer_id
        while self.manager.is_running:
            try:
                data = await read_varint_prefixed_bytes_limited(stream, RPC_BYTES_MAX)
                rpc = rpc_pb2.RPC.FromString(data)
            except (StreamError, IncompleteReadError):
                return
            except (MessageTooLarge, ParseError, DecodeError):
                await stream.reset()
                if not self._allowance(peer).faults.spend(1):
                    self._flooded(peer_key(peer))
                return
            if not await self._take(peer, rpc):
                self._flooded(peer_key(peer))
                return

    def _allowance(self, peer: ID) -> _Allowance:
        return self._allowances.setdefault(peer, _Allowance())

    async def _take(self, peer: ID, rpc: rpc_pb2.RPC) -> bool:
        """Act on what a peer sent; False when it goes too far."""
        allowance = self._allowance(peer)
        if not allowance.control.spend(_weight(rpc)):
            return False
        for message in rpc.publish:
            if not self._is_subscribed_to_msg(message):
                continue
            may = allowance.messages.spend(1) and allowance.bytes.spend(message.ByteSize())
            if may:
                await self.push_msg(peer, message)
            is_fault = not self._is_msg_seen(message)
            is_fault &= may or message.from_id == peer.to_bytes()
            if is_fault and not allowance.faults.spend(1):
                return False
        for each in rpc.subscriptions:
            self.handle_subscription(peer, each)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc_pb2.RPC(control=self._known(rpc.control)), peer)
        return True

    def _known(self, said: rpc_pb2.ControlMessage) -> rpc_pb2.ControlMessage:
        """What is said of topics that we follow; nobody brings us peers."""
        kept = rpc_pb2.ControlMessage(iwant=said.iwant)
        kept.ihave.extend(one for one in said.ihave if one.topicID in self.topic_ids)
        kept.graft.extend(one for one in said.graft if one.topicID in self.topic_ids)
        for one in said.prune:
            if one.topicID in self.topic_ids:
                kept.prune.add(topicID=one.topicID, backoff=one.backoff)
        return kept

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Take one message; one that libp2p chokes on is dropped."""
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as error:  # the wall around libp2p
            log.warning("dropped a gossip message from %s: %s", msg_forwarder, _words(error))

    def notify_subscriptions(self, publish_message: rpc_pb2.Message) -> None:
        """Nothing to do: the validator has handed the message on."""


class _SafeRouter(GossipSub):
    """The mesh, which gives nobody more at once than one RPC holds."""

    async def handle_iwant(self, iwant_msg: rpc_pb2.ControlIWant, sender_peer_id: ID) -> None:
        """Send the messages that are asked for: the first of them, each once.

        A list of ids is short, and what it asks for could fill the memory.
        """
        room, kept = RPC_BYTES_MAX, list[bytes]()
        for wire in dict.fromkeys(iwant_msg.messageIDs):
            message = self.mcache.get(safe_bytes_from_hex(wire) or b"")
            if message is not None and message.ByteSize() <= room:
                room -= message.ByteSize()
                kept.append(wire)
        await super().handle_iwant(rpc_pb2.ControlIWant(messageIDs=kept), sender_peer_id)


def _weight(rpc: rpc_pb2.RPC) -> float:
    said = rpc.control
    entries = len(said.ihave) + len(said.iwant) + len(said.idontwant)
    entries += len(said.graft) + len(said.prune)
    ids = sum(len(one.messageIDs) for one in said.ihave)
    ids += sum(len(one.messageIDs) for one in said.iwant)
    return entries + ids / IDS_PER_CONTROL + SUBSCRIPTION_WEIGHT * len(rpc.subscriptions)


async def _forget(pubsub: Pubsub) -> None:
    """Empty the tables of messages that libp2p fills for hours; a copy is known by its id."""
    while True:
        await trio.sleep(FORGET_S)
        for name in ("recent_message_deliveries", "equivocation_detection"):
            table: Any = getattr(pubsub.router, name, None)
            if table is not None:
                table.clear()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
