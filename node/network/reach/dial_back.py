"""The dial back: answers members who ask how they are seen and whether their addresses work.

Only the host from which the asker itself is linked is ever dialled, and of it few ports, each from
a fresh port of ours, until the handshake has proven the asker's key. So a member cannot let this
node knock at the doors of others, and can learn little about neighbours behind its own router.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

import trio
from libp2p.crypto.keys import KeyPair

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import secure
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.connections.connection import Connection
from commonweal.node.network.connections.dial_port import connect_from_free_port
from commonweal.node.network.reach.reach_stream import (
    ReachAnswer,
    answer_to_bytes,
    question_from_bytes,
    read_message,
)
from commonweal.node.reach_state import DialBackResult
from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import PeerKey

QUESTIONS_PER_S: Final = 1 / 10
QUESTIONS_BURST: Final = 6
"""Questions of one member that are answered; a stream beyond that ends without an answer."""
DIALS_PER_S: Final = 1.0
DIALS_BURST: Final = 32
"""Dials back, for all members together."""
DIALS_AT_ONCE_MAX: Final = 8
PORTS_MAX: Final = 8
PORTS_S: Final = 3_600.0
"""Different ports that are dialled for one member within this time."""
DIAL_BACK_S: Final = 5.0
"""Longest time for one address, name and handshake included."""
SERVE_S: Final = 15.0
"""Longest time for one question."""
ASKERS_MAX: Final = 1_024
"""Members whose limits are kept; beyond that the one that asked longest ago is forgotten."""


class TooManyQuestions(Exception):
    """The member asks more often than QUESTIONS_PER_S."""


class _Asker:
    """The limits of one member."""

    def __init__(self) -> None:
        self.questions = TokenBucket(QUESTIONS_PER_S, QUESTIONS_BURST)
        self._ports: dict[int, float] = {}

    def may_dial(self, port: int) -> bool:
        """Note a port; False when it is one too many."""
        now = trio.current_time()
        self._ports = {port: at for port, at in self._ports.items() if now - at < PORTS_S}
        if port not in self._ports and len(self._ports) >= PORTS_MAX:
            return False
        self._ports.setdefault(port, now)
        return True


class DialBack:
    """Answers the questions of members, within limits for each and for all together."""

    def __init__(self, keys: KeyPair) -> None:
        self._keys = keys
        self._askers: dict[PeerKey, _Asker] = {}
        self._dials = TokenBucket(DIALS_PER_S, DIALS_BURST)
        self._at_once = trio.CapacityLimiter(DIALS_AT_ONCE_MAX)

    async def serve(self, connection: Connection, stream: Stream) -> None:
        """Answer one question. Raises TooManyQuestions, Malformed, and what a stream raises."""
        asker = self._askers.pop(connection.peer, None) or _Asker()
        self._askers[connection.peer] = asker
        if len(self._askers) > ASKERS_MAX:
            del self._askers[next(iter(self._askers))]
        if not asker.questions.spend(1):
            raise TooManyQuestions
        addresses = question_from_bytes(await read_message(stream))
        answer = await self._answer(connection, asker, addresses)
        await stream.write(answer_to_bytes(answer))
        await stream.close()

    async def _answer(
        self, connection: Connection, asker: _Asker, addresses: tuple[str, ...]
    ) -> ReachAnswer:
        seen = _seen(connection)
        results = [DialBackResult.NOT_SEEN_THERE] * len(addresses)

        async def dial(number: int, endpoint: Endpoint) -> None:
            results[number] = await self._dial(connection.peer, asker, seen, endpoint)

        async with trio.open_nursery() as nursery:
            for number, address in enumerate(addresses):
                nursery.start_soon(dial, number, parse(address))
        return ReachAnswer(str(seen) if seen else "", tuple(results))

    async def _dial(
        self, peer: PeerKey, asker: _Asker, seen: Endpoint | None, endpoint: Endpoint
    ) -> DialBackResult:
        """Dial the asker's own host at a port, and let it prove its key."""
        if seen is None or endpoint.relay:
            return DialBackResult.NOT_SEEN_THERE
        is_name = endpoint.kind not in ("ip4", "ip6")
        if not is_name and not is_same_host(endpoint.host, seen.host):
            return DialBackResult.NOT_SEEN_THERE
        if not asker.may_dial(endpoint.port) or not self._dials.spend(1):
            return DialBackResult.NOT_NOW
        async with self._at_once:
            with trio.move_on_after(DIAL_BACK_S):
                if is_name and not await _leads_to(endpoint, seen.host):
                    return DialBackResult.NOT_SEEN_THERE
                return await self._meet(peer, seen.host, endpoint.port)
        return DialBackResult.NO_ANSWER

    async def _meet(self, peer: PeerKey, host: str, port: int) -> DialBackResult:
        try:
            socket = await connect_from_free_port(host, port)
        except OSError:
            return DialBackResult.NO_ANSWER
        try:
            await secure(SocketCarrier(socket), self._keys, peer)
        except Exception:  # the wall around libp2p
            return DialBackResult.ANOTHER_NODE
        finally:
            socket.socket.close()
        return DialBackResult.REACHED


def is_same_host(first: str, second: str) -> bool:
    """Return whether two numbers name one host; an IPv4 number may stand within an IPv6 one."""
    return _number(first) == _number(second)


def _number(host: str) -> object:
    number = ip_address(host.partition("%")[0])
    if isinstance(number, IPv6Address) and number.ipv4_mapped is not None:
        return number.ipv4_mapped
    return number


def _seen(connection: Connection) -> Endpoint | None:
    """Return where the other end of a connection is; None where a relay or a name hides it."""
    if connection.relayed:
        return None
    endpoint = parse(connection.address)
    return endpoint if endpoint.kind in ("ip4", "ip6") else None


async def _leads_to(endpoint: Endpoint, host: str) -> bool:
    """Return whether a name resolves to this number, among others."""
    try:
        numbers = await trio.socket.getaddrinfo(endpoint.host, endpoint.port)
    except OSError:
        return False
    return any(is_same_host(str(address[0]), host) for *_, address in numbers)
