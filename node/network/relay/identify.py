"""Identify, as far as relays need it: a relay tells a peer from which address it comes.

Hole punching needs an address that others see, and where two members share no link but that over
a relay, nobody else sees them.
Source: https://github.com/libp2p/specs/blob/master/identify/README.md
"""

from __future__ import annotations

from typing import Final

import trio
from libp2p.crypto.keys import KeyPair
from libp2p.identity.identify.pb.identify_pb2 import Identify
from multiaddr import Multiaddr

from commonweal.node.network.addresses import parse
from commonweal.node.network.channel.multistream import offer
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.relay.messages import BadRelayMessage, read_message, write_message

IDENTIFY: Final = "/ipfs/id/1.0.0"
IDENTIFY_S: Final = 10.0


def tell(stream: Stream, keys: KeyPair, address: str, protocols: tuple[str, ...]) -> None:
    """Tell a peer from which multiaddr it comes, and what it may open. Never waits."""
    write_message(
        stream,
        Identify(
            public_key=keys.public_key.serialize(),
            protocols=protocols,
            observed_addr=Multiaddr(address).to_bytes(),
        ),
    )
    stream.finish()


async def seen_at(mux: Mux) -> str:
    """Return the multiaddr from which the relay at the other end sees us come.

    Raises BadRelayMessage, RelayRefused, NoAgreement, or trio.TooSlowError.
    """
    stream = mux.open()
    try:
        with trio.fail_after(IDENTIFY_S):
            await offer(stream, IDENTIFY)
            message = await read_message(stream, Identify)
    finally:
        stream.cut()
    try:
        return str(parse(str(Multiaddr(message.observed_addr))))
    except Exception as error:  # the library raises whatever the bytes lead it to
        raise BadRelayMessage("the address at which the relay sees us cannot be read") from error
