"""The only code that imports libp2p: one node's connections, frames and gossip.

`Network` is the whole interface; its events and limits are in commonweal.node.transport.
"""

from __future__ import annotations

import logging

from commonweal.node.network import unread_packages  # noqa: F401  before libp2p is imported
from commonweal.node.network.channel.noise import peer_id, peer_key
from commonweal.node.network.connections.listener import CannotListen, PortTaken
from commonweal.node.network.libp2p import Network

__all__ = ["CannotListen", "Network", "PortTaken", "peer_id", "peer_key"]

# libp2p silences its logger for programs that embed it, and logs each failed dial as an error.
_libp2p = logging.getLogger("libp2p")
_libp2p.setLevel(logging.CRITICAL)
_libp2p.propagate = True
logging.getLogger("multiaddr").setLevel(logging.WARNING)
