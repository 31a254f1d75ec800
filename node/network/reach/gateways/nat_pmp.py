"""NAT-PMP, the older protocol of the same port as PCP: opens a TCP port of the gateway for us.

It has no nonce: a gateway knows who asks by the address alone.
Source: RFC 6886, section 3.
"""

from __future__ import annotations

import ipaddress
import struct
from functools import partial
from typing import Final

import trio

from commonweal.node.network.reach.gateways.datagrams import PORT, exchange
from commonweal.node.network.reach.gateways.epoch import EpochClock
from commonweal.node.network.reach.gateways.gateway_client import (
    LIFETIME_S,
    GatewayRefused,
    Grant,
    Route,
    external_address,
    granted,
)

VERSION: Final = 0
ADDRESS, MAP_TCP = 0, 2
ANSWER: Final = 128
MAPPING_QUESTION: Final = struct.Struct("!BBxxHHI")
"""Version, opcode, internal port, external port, lifetime in seconds."""
HEADER: Final = struct.Struct("!BBHI")
"""Of an answer: version, opcode, result, epoch in seconds."""
MAPPING: Final = struct.Struct("!HHI")
"""Internal port, external port, lifetime in seconds."""
RESULTS: Final = {
    1: "unsupported version",
    2: "not authorised",
    3: "network failure",
    4: "no resources",
    5: "unsupported opcode",
}
"""Result codes of RFC 6886, section 3.5."""


class NatPmpClient:
    """Speaks NAT-PMP with one gateway."""

    method = "NAT-PMP"

    def __init__(self, route: Route, port: int = PORT) -> None:
        self._route, self._port = route, port
        self._epoch = EpochClock()

    async def map(self, internal_port: int, external_port: int) -> Grant:
        """As GatewayClient says."""
        host, _ = await self._address()
        given, lifetime_s = await self._map(internal_port, external_port, LIFETIME_S)
        return granted(internal_port, host, given, lifetime_s)

    async def stands(self, grant: Grant) -> bool:
        """As GatewayClient says: neither the gateway's epoch nor its address changed."""
        host, is_continued = await self._address()
        return is_continued and host == grant.external_host

    async def unmap(self, grant: Grant) -> None:
        """As GatewayClient says: a mapping of no lifetime is none."""
        await self._map(grant.internal_port, 0, 0)

    async def _address(self) -> tuple[str, bool]:
        """Return the gateway's address outside, and whether it kept its mappings."""
        body, is_continued = await self._ask(ADDRESS, bytes([VERSION, ADDRESS]), 4, b"")
        return external_address(str(ipaddress.IPv4Address(body))), is_continued

    async def _map(
        self, internal_port: int, external_port: int, lifetime_s: int
    ) -> tuple[int, int]:
        """Return the external port and the lifetime that are granted."""
        question = MAPPING_QUESTION.pack(VERSION, MAP_TCP, internal_port, external_port, lifetime_s)
        body, _ = await self._ask(MAP_TCP, question, MAPPING.size, question[4:6])
        _, given, granted_s = MAPPING.unpack(body)
        return given, granted_s

    async def _ask(
        self, opcode: int, question: bytes, size: int, begins: bytes
    ) -> tuple[bytes, bool]:
        """Return the body of an answer, and whether the gateway kept its mappings."""
        read = partial(read_answer, opcode=opcode, size=size, begins=begins)
        body, epoch_s = await exchange(self._route, question, read, self._port)
        return body, self._epoch.is_continued(epoch_s, trio.current_time())


def read_answer(answer: bytes, opcode: int, size: int, begins: bytes) -> tuple[bytes, int] | None:
    """Return body and epoch of an answer; None for what is no answer to us.

    size, begins: of the body. Raises GatewayRefused.
    """
    if len(answer) < HEADER.size:
        return None
    version, answered, result, epoch_s = HEADER.unpack_from(answer)
    body = answer[HEADER.size :]
    if (version, answered) != (VERSION, ANSWER | opcode):
        return None
    if result:
        raise GatewayRefused(RESULTS.get(result, f"NAT-PMP result {result}"))
    return (body, epoch_s) if len(body) == size and body.startswith(begins) else None
