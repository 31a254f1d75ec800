"""The Port Control Protocol, by its MAP opcode: opens a TCP port of the gateway for us.

A gateway renews and deletes a mapping only for the nonce that made it, so nobody else on the
network can take it over.
Source: RFC 6887, sections 7, 8.5, 11, 14.1 and 15.
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
    VersionUnsupported,
    external_address,
    granted,
)

VERSION: Final = 2
ANNOUNCE, MAP = 0, 1
ANSWER: Final = 0x80
"""The bit by which an answer differs from a question."""
TCP: Final = 6
NONCE_BYTES: Final = 12
VERSION_BYTES: Final = 4
"""Of an answer in any version: version, opcode, and a result in the last of them."""
UNSUPPORTED_VERSION: Final = 1
HEADER: Final = struct.Struct("!BBxBII12x")
"""Of an answer: version, opcode, result, lifetime in seconds, epoch in seconds."""
QUESTION_HEADER: Final = struct.Struct("!BBxxI16s")
"""Of a question: version, opcode, lifetime in seconds, our own address."""
MAPPING: Final = struct.Struct("!12sB3xHH16s")
"""Nonce, protocol, internal port, external port, external address."""
RESULTS: Final = {
    2: "not authorised",
    3: "malformed request",
    4: "unsupported opcode",
    5: "unsupported option",
    6: "malformed option",
    7: "network failure",
    8: "no resources",
    9: "unsupported protocol",
    10: "too many ports",
    11: "the external port cannot be had",
    12: "another router is in between",
    13: "too many remote peers",
}
"""Result codes of RFC 6887, section 7.4."""


class PcpClient:
    """Speaks PCP with one gateway. nonce: NONCE_BYTES that nobody else knows."""

    method = "PCP"

    def __init__(self, route: Route, nonce: bytes, port: int = PORT) -> None:
        self._route, self._port = route, port
        self._nonce = nonce
        self._epoch = EpochClock()

    async def map(self, internal_port: int, external_port: int) -> Grant:
        """As GatewayClient says; raises VersionUnsupported, too."""
        question = self._mapping(LIFETIME_S, internal_port, external_port)
        lifetime_s, epoch_s, body = await self._ask(MAP, question)
        _, _, _, port, host = MAPPING.unpack_from(body)
        self._epoch.is_continued(epoch_s, trio.current_time())
        address = ipaddress.IPv6Address(host).ipv4_mapped
        return granted(internal_port, external_address(str(address)), port, lifetime_s)

    async def stands(self, grant: Grant) -> bool:
        """As GatewayClient says: the gateway tells its epoch, which a restart sets back."""
        _, epoch_s, _ = await self._ask(ANNOUNCE, b"")
        return self._epoch.is_continued(epoch_s, trio.current_time())

    async def unmap(self, grant: Grant) -> None:
        """As GatewayClient says: a mapping of no lifetime is none."""
        await self._ask(MAP, self._mapping(0, grant.internal_port, 0))

    def _mapping(self, lifetime_s: int, internal_port: int, external_port: int) -> bytes:
        anywhere = _mapped("0.0.0.0")  # noqa: S104  no wish, says section 11.1
        header = self._header(MAP, lifetime_s)
        return header + MAPPING.pack(self._nonce, TCP, internal_port, external_port, anywhere)

    def _header(self, opcode: int, lifetime_s: int) -> bytes:
        return QUESTION_HEADER.pack(VERSION, opcode, lifetime_s, _mapped(self._route.own))

    async def _ask(self, opcode: int, question: bytes) -> tuple[int, int, bytes]:
        """Return lifetime, epoch and the rest of an answer. Raises GatewayError."""
        asked = question or self._header(opcode, 0)
        proof = asked[QUESTION_HEADER.size :][: NONCE_BYTES + 6]

        return await exchange(
            self._route, asked, partial(read_answer, opcode=opcode, proof=proof), self._port
        )


def read_answer(answer: bytes, opcode: int, proof: bytes) -> tuple[int, int, bytes] | None:
    """Return lifetime, epoch and the rest of an answer; None for what is no answer to us.

    proof: with what the rest begins. Raises VersionUnsupported, GatewayRefused.
    """
    if len(answer) >= VERSION_BYTES and answer[0] != VERSION and answer[1] & ANSWER:
        if answer[VERSION_BYTES - 1] == UNSUPPORTED_VERSION:
            raise VersionUnsupported(f"version {answer[0]}")
        return None
    if len(answer) < HEADER.size or len(answer) % 4:
        return None
    version, answered, result, lifetime_s, epoch_s = HEADER.unpack_from(answer)
    body = answer[HEADER.size :]
    if (version, answered) != (VERSION, ANSWER | opcode) or not body.startswith(proof):
        return None
    if result == UNSUPPORTED_VERSION:
        raise VersionUnsupported(f"version {version}")
    if result:
        raise GatewayRefused(RESULTS.get(result, f"PCP result {result}"))
    if opcode == MAP and len(body) < MAPPING.size:
        return None
    return lifetime_s, epoch_s, body


def _mapped(address: str) -> bytes:
    """Return an IPv4 address as the 16 bytes of ::ffff:1.2.3.4."""
    return bytes(10) + b"\xff\xff" + ipaddress.IPv4Address(address).packed
