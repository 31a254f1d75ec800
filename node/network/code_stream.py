"""The stream by which a link is fetched: a question of 32 bytes, and an answer to the end.

The host side serves one question of a stranger. The asking side dials an address of which it knows
no peer key: the secret of the code, bound to the key that the other end proves, stands for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import trio
from libp2p.identity_utils import create_identity_from_seed
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID

from commonweal.node.network.addresses import parse
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.multistream import offer
from commonweal.node.network.channel.noise import peer_id, peer_key, secure_unknown, why
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.protocol.errors import NotPermitted, NotReachable
from commonweal.protocol.identity import join_code
from commonweal.protocol.identity.join_code import CodeKeys, JoinCode
from commonweal.protocol.keys import HASH_BYTES, PeerKey

CODE: Final = "/commonweal/code/1"
ANSWER_S: Final = 3.0
FETCH_S: Final = 10.0
"""Longest time until the link is here, from the first packet."""

AnswerCode: TypeAlias = Callable[[bytes, PeerKey, PeerKey, str], bytes]
"""Takes a question, the peer that asks, the key of this node and the asker's address; b"": none."""


async def serve(stream: Stream, answer: Callable[[bytes], bytes]) -> None:
    """Answer one question of the peer, and close."""
    with trio.fail_after(ANSWER_S):
        question = b""
        while len(question) < HASH_BYTES:
            question += await stream.read(HASH_BYTES - len(question))
        if reply := answer(question):
            await stream.write(reply)
        await stream.close()


async def fetch(code: JoinCode, keys: CodeKeys, seed: bytes, seconds: float = FETCH_S) -> str:
    """Return the link that a code stands for. seed: 32 bytes, the key of this connection.

    Raises NotPermitted where the node does not know the code, NotReachable where none answers.
    """
    try:
        with trio.fail_after(seconds):
            return await _fetched(code, keys, seed)
    except Exception as error:  # the wall around libp2p
        first = _first(error)
        if isinstance(first, NotPermitted):
            raise first from error
        raise NotReachable(f"{code.address}: {why(first)}") from error


def _first(error: Exception) -> Exception:
    """Return the error of ours in a group, else the first of it."""
    while isinstance(error, ExceptionGroup):
        ours = [inner for inner in error.exceptions if isinstance(inner, NotPermitted)]
        error = (ours or error.exceptions)[0]
    return error


async def _fetched(code: JoinCode, keys: CodeKeys, seed: bytes) -> str:
    identity = create_identity_from_seed(seed)
    endpoint = parse(code.address)
    socket = await trio.open_tcp_stream(endpoint.host, endpoint.port)
    async with socket:
        host, channel = await secure_unknown(SocketCarrier(socket), identity)
        asker = peer_key(ID.from_pubkey(identity.public_key))
        mux = Mux(
            channel,
            outbound=True,
            peer_id=peer_id(host),
            opened=lambda stream: stream.cut(),
            streams_max=1,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mux.run)
            stream = mux.open()
            await offer(stream, CODE)
            await stream.write(join_code.question(keys, asker, host))
            data = await _rest(stream)
            mux.close("the link is here")
            nursery.cancel_scope.cancel()
    return join_code.link_in(keys, data, asker, host)


async def _rest(stream: Stream) -> bytes:
    data = b""
    try:
        while len(data) <= join_code.ANSWER_BYTES_MAX:
            data += await stream.read(join_code.ANSWER_BYTES_MAX + 1 - len(data))
    except StreamEOF:
        pass
    return data
