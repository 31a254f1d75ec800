"""The only code that imports libp2p: one node's connections, frames and gossip.

`Network` is the whole interface; its values and events are in commonweal.node.transport.
"""

from __future__ import annotations

import logging

from commonweal.node.network.addresses import CannotListen, PortTaken
from commonweal.node.network.libp2p import Network
from commonweal.node.network.noise import peer_id, peer_key

__all__ = ["CannotListen", "Network", "PortTaken", "peer_id", "peer_key"]

# libp2p silences its logger for whoever embeds it, and logs each failed dial as an error.
_libp2p = logging.getLogger("libp2p")
_libp2p.setLevel(logging.CRITICAL)
_libp2p.propagate = True
logging.getLogger("multiaddr").setLevel(logging.WARNING)
