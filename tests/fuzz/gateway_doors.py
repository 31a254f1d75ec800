"""What a home router answers, as doors: whatever comes in, it is read or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from commonweal.node.network.reach.gateways import (
    datagrams,
    default_route,
    http_call,
    nat_pmp,
    pcp,
    soap,
    ssdp,
)
from commonweal.node.network.reach.gateways.gateway_client import GatewayError
from tests.node.network.reach.scripted_gateways import (
    DESCRIPTION,
    ENVELOPE,
    FAULT,
    UpnpRouter,
    nat_pmp_answer,
    pcp_answer,
)

GATEWAY = "127.0.0.1"
_NONCE = bytes(12)
_QUESTION = bytes([2, 1]) + bytes(22) + _NONCE + bytes([6]) + bytes(23)
_MAP_TCP = bytes([0, 2]) + bytes(10)
_ADDRESS = "<NewExternalIPAddress>45.0.0.7</NewExternalIPAddress>"


def _datagram(enter: Callable[[bytes], object]) -> Callable[[bytes], object]:
    return _bounded(enter, datagrams.ANSWER_BYTES_MAX)


def _bounded(enter: Callable[[bytes], object], size: int) -> Callable[[bytes], object]:
    """A door that is given no more than what is read of the network."""

    def entered(data: bytes) -> object:
        try:
            return enter(data[:size])
        except GatewayError:
            return None

    return entered


def _table(data: bytes) -> object:
    return default_route.gateway_of(data.decode("ascii", "replace"))


GATEWAY_DOORS: Mapping[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]] = {
    "PCP answer": (
        _datagram(lambda data: pcp.read_answer(data, pcp.MAP, _NONCE)),
        (pcp_answer(_QUESTION), nat_pmp_answer(_QUESTION)),
    ),
    "NAT-PMP answer": (
        _datagram(lambda data: nat_pmp.read_answer(data, nat_pmp.MAP_TCP, 8, bytes(2))),
        (nat_pmp_answer(_MAP_TCP),),
    ),
    "search answer": (
        lambda data: ssdp.location(data, GATEWAY),
        (UpnpRouter(5000).search_answer(),),
    ),
    "router description": (
        _bounded(
            lambda data: soap.control_point(data, f"http://{GATEWAY}/d.xml", GATEWAY),
            http_call.DOCUMENT_BYTES_MAX,
        ),
        (DESCRIPTION.format(control="/control").encode(),),
    ),
    "router answer": (
        _bounded(lambda data: soap.answer(200, data), http_call.DOCUMENT_BYTES_MAX),
        (
            ENVELOPE.format(action="GetExternalIPAddress", values=_ADDRESS).encode(),
            FAULT.format(code=718).encode(),
        ),
    ),
    "route table": (
        _bounded(_table, default_route.TABLE_BYTES_MAX),
        (
            b"Iface Destination Gateway Flags RefCnt Use Metric Mask\n"
            b"eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0\n",
        ),
    ),
}
"""What each takes, and bytes that it takes."""
