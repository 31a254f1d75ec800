"""The gossip mesh, with limits on what one peer can make it send.

Whatever a peer asks for goes through its own bounded queue, and what finds that full is dropped:
libp2p would have a task wait for a peer that reads nothing, for each time that it asks.
"""

from __future__ import annotations

from typing import Final

from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.utils import safe_bytes_from_hex

RPC_BYTES_MAX: Final = 1 << 20


class SafeRouter(GossipSub):
    """The mesh; it answers a request for messages with at most one RPC, and waits for nobody."""

    async def handle_iwant(self, iwant_msg: rpc_pb2.ControlIWant, sender_peer_id: ID) -> None:
        """Send the first of the requested messages, each once.

        A list of ids is short, and the messages that it requests could fill the memory.
        """
        room, kept = RPC_BYTES_MAX, list[bytes]()
        for wire in dict.fromkeys(iwant_msg.messageIDs):
            message = self.mcache.get(safe_bytes_from_hex(wire) or b"")
            if message is not None and message.ByteSize() <= room:
                room -= message.ByteSize()
                kept.append(wire)
        await super().handle_iwant(rpc_pb2.ControlIWant(messageIDs=kept), sender_peer_id)

    async def send_recent_messages(self, peer_id: ID, topic: str) -> None:
        """Queue the recent messages of a topic for a peer that follows it now."""
        for id in self.mcache.window(topic):
            message = self.mcache.get(id)
            if message is not None:
                self.send_rpc(peer_id, rpc_pb2.RPC(publish=[message]))

    async def flush_pending_messages(self, peer_id: ID) -> None:
        """Queue what was published before it was known that a peer follows its topic."""
        if self.pubsub is None or peer_id not in self.pubsub.peers:
            return
        self._prune_pending_messages(peer_id)
        followers = self.pubsub.peer_topics
        for _, rpc in self._pending_messages.pop(peer_id, ()):
            topics = {topic for message in rpc.publish for topic in message.topicIDs}
            if any(peer_id in followers.get(topic, ()) for topic in topics):
                self.send_rpc(peer_id, rpc)
