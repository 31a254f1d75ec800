"""Gossipsub among admitted peers, with walls around everything that libp2p may raise.

Topics, and the fact that we gossip at all, are shown to admitted peers only: streams are
opened by hand after admission, never on connecting. What a peer sends can end its own
gossip stream and nothing else. Gossip is a hint: full queues drop, and repair brings it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import trio
from libp2p.abc import IHost
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service

from commonweal.node.link import PeerKey
from commonweal.node.network.session import peer_id, peer_key

log = logging.getLogger(__name__)

MESHSUB: Final = str(PROTOCOL_ID_V11)
GOSSIP_BYTES_MAX: Final = 256 * 1024
"""The largest gossip message, ours or theirs."""
RPC_BYTES_MAX: Final = 1 << 20
PUBLISH_QUEUE_MAX: Final = 256
TOPICS_MAX: Final = 16
MESSAGES_PER_S: Final = 50
MESSAGES_BURST: Final = 200
"""What one peer may hand us before its messages are dropped unread."""
HEARTBEAT_S: Final = 1
RESTART_S: Final = 1.0
FORGET_S: Final = 3_600
"""libp2p keeps a table of deliveries that nothing else ever empties."""


class Gossip:
    """The gossip of one node. `run` keeps it going; the other calls never wait.

    host: what Pubsub needs of a libp2p host. validate: whether a message may be taken and
    passed on. heard: called with each message that may.
    """

    def __init__(
        self,
        host: object,
        *,
        validate: Callable[[str, bytes], bool],
        heard: Callable[[PeerKey, str, bytes], None],
        members: Callable[[], Sequence[PeerKey]],
    ) -> None:
        self.published = 0
        self.heard = 0
        self.restarts = 0
        self._host = cast(IHost, host)
        self._validate = validate
        self._emit = heard
        self._members = members
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
                    nursery.start_soon(_forget_deliveries, pubsub)
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
        router = GossipSub(
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
        pubsub = _SafePubsub(self._host, router)
        async with background_trio_service(router), background_trio_service(pubsub):
            await pubsub.wait_until_ready()
            self._pubsub = pubsub
            for peer in self._members():
                pubsub.join(peer_id(peer))
            yield pubsub

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
                    pubsub.set_topic_validator(topic, self._judge, is_async_validator=False)
                    await pubsub.subscribe(topic)
            await self._changed.wait()

    async def _publish_queued(self, pubsub: _SafePubsub) -> None:
        async for topic, data in self._queue:
            await pubsub.publish(topic, data)

    def _judge(self, forwarder: ID, message: rpc_pb2.Message) -> bool:
        """The validator: ours passes; a good one of others is handed on. `push_msg` is its wall."""
        if forwarder == self._host.get_id():
            return True
        if len(message.topicIDs) != 1 or len(message.data) > GOSSIP_BYTES_MAX:
            return False
        topic, data = message.topicIDs[0], message.data
        if ID(message.from_id) == self._host.get_id() or not self._validate(topic, data):
            return False
        peer = peer_key(forwarder)
        self.heard += 1
        self._emit(peer, topic, data)
        return True


class _SafePubsub(Pubsub):
    """Pubsub that outlives what it is sent; peers join and leave by hand."""

    def __init__(self, host: IHost, router: GossipSub) -> None:
        super().__init__(host, router, max_inbound_rpc_size=RPC_BYTES_MAX)
        self._budgets: dict[ID, tuple[float, float]] = {}

    def join(self, peer: ID) -> None:
        """Open a stream to an admitted peer, trying until it takes it or is gone."""
        self._schedule_peer_stream_retry(peer)

    def leave(self, peer: ID) -> None:
        """Forget a peer that is no longer connected."""
        self._budgets.pop(peer, None)
        try:
            self._handle_dead_peer(peer)
        except Exception as error:  # the wall around libp2p
            log.warning("gossip could not forget %s: %s", peer, _words(error))

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Take one message; one too many, or one that libp2p chokes on, is dropped."""
        if msg_forwarder != self.my_id and not self._may_hand(msg_forwarder):
            return
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as error:  # the wall around libp2p
            log.warning("dropped a gossip message from %s: %s", msg_forwarder, _words(error))

    def _may_hand(self, peer: ID) -> bool:
        now = trio.current_time()
        left, at = self._budgets.get(peer, (float(MESSAGES_BURST), now))
        left = min(MESSAGES_BURST, left + (now - at) * MESSAGES_PER_S)
        self._budgets[peer] = (left - 1 if left >= 1 else left, now)
        return left >= 1

    def notify_subscriptions(self, publish_message: rpc_pb2.Message) -> None:
        """Nothing to do: the validator has handed the message on."""


async def _forget_deliveries(pubsub: Pubsub) -> None:
    while True:
        await trio.sleep(FORGET_S)
        deliveries: Any = getattr(pubsub.router, "recent_message_deliveries", None)
        if deliveries is not None:
            deliveries.clear()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
