"""The reach stream: a member asks another how it is seen, and to dial some of its addresses back.

The question is an array of addresses, the answer the multiaddr at which the asker is seen and one
result for each address. Both are canonical MessagePack, end with their direction of the stream,
and are bounded. What is dialled is decided in dial_back.py, what is believed in reachability.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import trio
from libp2p.network.stream.exceptions import StreamEOF

from commonweal.node.network.addresses import parse
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.protocols import open_stream
from commonweal.node.reach_state import DialBackResult
from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.identity.invite import is_address

REACH: Final = "/commonweal/reach/1"
ASKED_MAX: Final = 4
"""Addresses in one question."""
MESSAGE_BYTES_MAX: Final = 2 * 1024
ASK_S: Final = 20.0
"""Longest time for a question and its answer."""
_RESULTS: Final = {int(result): result for result in DialBackResult}


@dataclass(frozen=True, slots=True)
class ReachAnswer:
    """How a member sees this node, and what became of each address that it was asked to dial.

    seen: a multiaddr of an IP address, or "" where the link leads through a relay.
    """

    seen: str
    results: tuple[DialBackResult, ...]


def question_to_bytes(addresses: Sequence[str]) -> bytes:
    """Return a question about at most ASKED_MAX addresses."""
    listed: list[codec.Value] = list(addresses[:ASKED_MAX])
    return codec.encode(listed)


def question_from_bytes(data: bytes) -> tuple[str, ...]:
    """Return the addresses of a question. Raises Malformed."""
    match codec.decode(data, values_max=1 + ASKED_MAX):
        case list(addresses) if len(addresses) <= ASKED_MAX:
            texts = tuple(text for text in addresses if isinstance(text, str))
            if len(texts) == len(addresses) and all(map(is_address, texts)):
                return texts
    raise Malformed("a question about reach cannot be read")


def answer_to_bytes(answer: ReachAnswer) -> bytes:
    """Return an answer as sent."""
    results: list[codec.Value] = [int(result) for result in answer.results]
    return codec.encode([answer.seen, results])


def answer_from_bytes(data: bytes, asked: int) -> ReachAnswer:
    """Return the answer to a question about `asked` addresses. Raises Malformed."""
    match codec.decode(data, values_max=3 + ASKED_MAX):
        case [str(seen), list(results)] if len(results) == asked and (
            seen == "" or _is_number(seen)
        ):
            known = [_RESULTS.get(result) for result in results if type(result) is int]
            told = tuple(result for result in known if result is not None)
            if len(told) == asked:
                return ReachAnswer(seen, told)
    raise Malformed("an answer about reach cannot be read")


def _is_number(seen: str) -> bool:
    """Whether `seen` is a multiaddr of an IP address itself, as only such a one can be seen."""
    try:
        endpoint = parse(seen)
    except ValueError:
        return False
    return is_address(seen) and endpoint.kind in ("ip4", "ip6") and not endpoint.relay


async def ask(mux: Mux, addresses: Sequence[str]) -> ReachAnswer:
    """Ask the member at the other end about at most ASKED_MAX of our addresses.

    Raises NoAgreement where it does not know the protocol, trio.TooSlowError, Malformed, and what
    a stream that ends raises.
    """
    with trio.fail_after(ASK_S):
        stream = await open_stream(mux, REACH)
        try:
            await stream.write(question_to_bytes(addresses))
            await stream.close()
            return answer_from_bytes(await read_message(stream), len(addresses[:ASKED_MAX]))
        finally:
            stream.cut()


async def read_message(stream: Stream) -> bytes:
    """Return what the other end sends until it ends. Raises Malformed beyond the limit."""
    data = b""
    try:
        while len(data) <= MESSAGE_BYTES_MAX:
            data += await stream.read(MESSAGE_BYTES_MAX + 1 - len(data))
    except StreamEOF:
        return data
    raise Malformed("a message about reach is too long")
