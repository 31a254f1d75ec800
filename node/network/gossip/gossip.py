"""Gossipsub among admitted peers, with walls around everything that libp2p may raise.

Only admitted peers see topics, or that this node gossips at all: streams are opened after
admission, never on connecting. What a peer sends can end its own gossip stream and nothing else.
Gossip is a hint: full queues drop messages, and anti-entropy brings what was lost. Whether a
message is passed on is decided by the validator, not here.
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
from libp2p.tools.anyio_service import background_trio_service
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from commonweal.node.network.channel.noise import WrongPeer, peer_id, peer_key
from commonweal.node.network.gossip.router import RPC_BYTES_MAX, SafeRouter
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
PUBLISH_QUEUE_MAX: Final = 256
TOPICS_MAX: Final = 16
MESSAGES_PER_S: Final = 50
MESSAGES_BURST: Final = 200
BYTES_PER_S: Final = 512 * 1024
BYTES_BURST: Final = 4 * 1024 * 1024
"""What one peer may hand over before its messages are dropped unread."""
CONTROL_PER_S: Final = 100
CONTROL_BURST: Final = 1_000
"""Control entries of one peer (mesh and message ids); a peer that sends more is dropped."""
SUBSCRIPTION_WEIGHT: Final = 10
"""Each subscription makes this node send the recent messages of the topic."""
IDS_PER_CONTROL: Final = 16
FAULTS_PER_S: Final = 5
FAULTS_BURST: Final = 64
"""False messages of one peer, or too many of its own; a peer that sends more is dropped."""
IGNORED: Final = ValidatedGossip(ValidationResult.IGNORE)
HEARTBEAT_S: Final = 1
RESTART_S: Final = 1.0
FORGET_S: Final = 30
"""Period at which libp2p's notes on each message, some 3 KiB never read again, are deleted."""
VALIDATED_MAX: Final = 64
"""Messages that libp2p remembers as validated; a seen message is not validated again."""


class Gossip:
    """The gossip of one node. `run` keeps it going; the other calls never wait.

    host: what Pubsub needs of a libp2p host. validate: whether a message is passed on, and its
    content. heard: takes each message that is. members: the admitted peers. flooded: takes a
    peer that is to be dropped for what it sent.
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
        """Number of peers with an open gossip stream."""
        return len(self._pubsub.peers) if self._pubsub is not None else 0

    async def run(self) -> None:
        """Gossip until cancelled; start again when libp2p's service fails."""
        while True:
            try:
                async with self._service() as pubsub, trio.open_nursery() as nursery:
                    nursery.start_soon(self._follow_topics, pubsub)
                    nursery.start_soon(self._publish_queued, pubsub)
                    nursery.start_soon(_forget, pubsub)
            except Exception as error:  # the wall around libp2p
                log.warning("gossip failed and starts again: %s", _words(error))
            self._pubsub = None
            self.restarts += 1
            await trio.sleep(RESTART_S)

    def join(self, peer: PeerKey) -> None:
        """Open a gossip stream to an admitted peer, trying until the peer takes it."""
        if self._pubsub is not None:
            self._pubsub.join(peer_id(peer))

    def leave(self, peer: PeerKey) -> None:
        """Forget a peer that is gone."""
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
        router = SafeRouter(
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
        """Return whether libp2p passes a message on; an accepted one is handed to `heard`.

        Our own messages pass. An ignored message counts as seen, so that no forwarder is blamed
        for handing it over again. `push_msg` catches what this raises.
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
    """The token buckets of one peer."""

    def __init__(self) -> None:
        self.messages = TokenBucket(MESSAGES_PER_S, MESSAGES_BURST)
        self.bytes = TokenBucket(BYTES_PER_S, BYTES_BURST)
        self.control = TokenBucket(CONTROL_PER_S, CONTROL_BURST)
        self.faults = TokenBucket(FAULTS_PER_S, FAULTS_BURST)


class _SafePubsub(Pubsub):
    """Pubsub that survives what it is sent; peers join and leave by explicit calls.

    flooded: takes a peer that sent too much, or false messages; it is to be dropped.
    topics: those that this node follows; nothing is kept of others.
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
        """Numbers our messages; starts at the time, so that an earlier run's numbers are lower."""

    def let_go(self, message: rpc_pb2.Message) -> None:
        """Count a message as seen although it was not accepted."""
        self._mark_msg_seen(message)

    def handle_subscription(self, origin_id: ID, sub_message: rpc_pb2.RPC.SubOpts) -> None:
        """Note that a peer follows one of our topics; libp2p would keep any name."""
        if sub_message.topicid in self._topics():
            super().handle_subscription(origin_id, sub_message)

    def _forget_subscription(self, peer_id: ID, topic: str) -> None:
        """Note that a peer leaves a topic; its recent messages are sent once for each link."""
        was_sent = topic in self._replayed_recent_topics.get(peer_id, ())
        super()._forget_subscription(peer_id, topic)
        if was_sent:
            self._replayed_recent_topics.setdefault(peer_id, set()).add(topic)

    def join(self, peer: ID) -> None:
        """Open a stream to an admitted peer, trying until the peer takes it or is gone."""
        self._schedule_peer_stream_retry(peer)

    def leave(self, peer: ID) -> None:
        """Forget a peer that is no longer connected."""
        self._allowances.pop(peer, None)
        try:
            self._handle_dead_peer(peer)
        except Exception as error:  # the wall around libp2p
            log.warning("gossip could not forget %s: %s", peer, _words(error))

    async def _handle_new_peer(self, peer_id: ID) -> None:
        """Greet a peer, then announce topics that changed during the greeting.

        libp2p announces changes only to peers that it has greeted, so this one would miss them.
        """
        before = set(self.topic_ids)
        await super()._handle_new_peer(peer_id)
        if peer_id in self.peers:
            for topic in sorted(before ^ set(self.topic_ids)):
                follows = topic in self.topic_ids
                change = rpc_pb2.RPC.SubOpts(subscribe=follows, topicid=topic)
                self._schedule_announce_retry(peer_id, change)

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Take in what a peer sends, one RPC after the other, within its limits.

        libp2p's own loop starts a task for each message, and keeps each topic that is named.
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
        """Act on an RPC of a peer; False when the peer broke a limit."""
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
        for subscription in rpc.subscriptions:
            self.handle_subscription(peer, subscription)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc_pb2.RPC(control=self._known(rpc.control)), peer)
        return True

    def _known(self, control: rpc_pb2.ControlMessage) -> rpc_pb2.ControlMessage:
        """Return the control entries on topics that we follow, without peer exchange."""
        kept = rpc_pb2.ControlMessage(iwant=control.iwant)
        kept.ihave.extend(entry for entry in control.ihave if entry.topicID in self.topic_ids)
        kept.graft.extend(entry for entry in control.graft if entry.topicID in self.topic_ids)
        for entry in control.prune:
            if entry.topicID in self.topic_ids:
                kept.prune.add(topicID=entry.topicID, backoff=entry.backoff)
        return kept

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Take in one message; drop it when libp2p raises."""
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as error:  # the wall around libp2p
            log.warning("dropped a gossip message from %s: %s", msg_forwarder, _words(error))

    def notify_subscriptions(self, publish_message: rpc_pb2.Message) -> None:
        """Do nothing: the validator has handed the message over."""


def _weight(rpc: rpc_pb2.RPC) -> float:
    control = rpc.control
    entries = len(control.ihave) + len(control.iwant) + len(control.idontwant)
    entries += len(control.graft) + len(control.prune)
    ids = sum(len(entry.messageIDs) for entry in control.ihave)
    ids += sum(len(entry.messageIDs) for entry in control.iwant)
    return entries + ids / IDS_PER_CONTROL + SUBSCRIPTION_WEIGHT * len(rpc.subscriptions)


async def _forget(pubsub: Pubsub) -> None:
    """Empty tables that libp2p fills for hours; copies of a message are known by its id."""
    while True:
        await trio.sleep(FORGET_S)
        for name in ("recent_message_deliveries", "equivocation_detection"):
            table: Any = getattr(pubsub.router, name, None)
            if table is not None:
                table.clear()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
