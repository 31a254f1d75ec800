"""Gateways on loopback that answer as a test tells them: over UDP, and a UPnP router over HTTP."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import trio

from commonweal.node.network.reach.gateways import pcp
from commonweal.node.network.reach.gateways.gateway_client import Route

HERE = Route("127.0.0.1", "127.0.0.1")
OUTSIDE = "198.18.0.7"
INTERNAL, EXTERNAL = 4001, 40_001
Answers = Callable[[bytes], Iterable[bytes]]


@dataclass(slots=True)
class UdpGateway:
    """A gateway that answers datagrams. asked: what came; clients: from where."""

    port: int
    asked: list[bytes] = field(default_factory=list)
    clients: list[tuple[str, int]] = field(default_factory=list)


@asynccontextmanager
async def udp_gateway(answers: Answers, host: str = "127.0.0.1") -> AsyncIterator[UdpGateway]:
    """A gateway at a free port that sends `answers(question)` for each question."""
    with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as socket:
        await socket.bind((host, 0))
        gateway = UdpGateway(socket.getsockname()[1])

        async def serve() -> None:
            while True:
                question, client = await socket.recvfrom(4096)
                gateway.asked.append(question)
                gateway.clients.append(client)
                for answer in answers(question):
                    await socket.sendto(answer, client)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            yield gateway
            nursery.cancel_scope.cancel()


def pcp_answer(
    question: bytes,
    *,
    result: int = 0,
    epoch_s: int = 100,
    lifetime_s: int = 3600,
    port: int = EXTERNAL,
    host: str = OUTSIDE,
    nonce: bytes | None = None,
) -> bytes:
    """The answer of a PCP server to a question."""
    header = pcp.HEADER.pack(2, 0x80 | question[1], result, lifetime_s, epoch_s)
    if question[1] != pcp.MAP:
        return header
    asked, protocol, internal, _, _ = pcp.MAPPING.unpack_from(question, 24)
    outside = ipaddress.IPv6Address(f"::ffff:{host}").packed
    return header + pcp.MAPPING.pack(nonce or asked, protocol, internal, port, outside)


def nat_pmp_answer(
    question: bytes,
    *,
    result: int = 0,
    epoch_s: int = 100,
    lifetime_s: int = 3600,
    port: int = EXTERNAL,
    host: str = OUTSIDE,
) -> bytes:
    """The answer of a NAT-PMP router to a question; to one of PCP, that it is too new."""
    if question[0] != 0:
        return struct.pack("!BBHI", 0, 0x80 | question[1], 1, epoch_s)
    header = struct.pack("!BBHI", 0, 128 + question[1], result, epoch_s)
    if question[1] == 0:
        return header + ipaddress.IPv4Address(host).packed
    return header + question[4:6] + struct.pack("!HI", port, lifetime_s)


@dataclass(slots=True)
class UpnpRouter:
    """A router that speaks UPnP on loopback, at one port for datagrams and for HTTP.

    entries: external port to (client, internal port). answers: what HTTP answers instead, by the
    name of the action or "description"; a number refuses by that code. location: what a search is
    told, if another than the truth. asked: each action.
    """

    port: int
    host: str = OUTSIDE
    entries: dict[str, tuple[str, str]] = field(default_factory=dict)
    leases: list[str] = field(default_factory=list)
    answers: dict[str, bytes | int] = field(default_factory=dict)
    location: str = ""
    control: str = "/control"
    asked: list[str] = field(default_factory=list)

    def search_answer(self) -> bytes:
        """What a search is told."""
        url = self.location or f"http://127.0.0.1:{self.port}/description.xml"
        return f"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: {url}\r\n\r\n".encode()

    def http_answer(self, request: bytes) -> bytes:
        """The whole answer to a request over HTTP."""
        found = re.search(rb'(?im)^soapaction: "([^"]*)#(\w+)"', request)
        action = found[2].decode() if found else "description"
        self.asked.append(action)
        said = self.answers.get(action, b"")
        if isinstance(said, bytes) and said:
            return said
        if action == "description":
            return _http(200, DESCRIPTION.format(control=self.control))
        code = said if isinstance(said, int) else 0
        values = {
            name.decode(): value.decode()
            for name, value in re.findall(rb"<(New\w+)>([^<]*)</New\w+>", request)
        }
        answer: str | int = code or self._act(action, values)
        if isinstance(answer, int):
            return _http(500, FAULT.format(code=answer))
        return _http(200, ENVELOPE.format(action=action, values=answer))

    def _act(self, action: str, values: dict[str, str]) -> str | int:
        match action:
            case "AddPortMapping":
                target = (values["NewInternalClient"], values["NewInternalPort"])
                if self.entries.setdefault(values["NewExternalPort"], target) != target:
                    return 718
                self.leases.append(values["NewLeaseDuration"])
                return ""
            case "GetSpecificPortMappingEntry":
                if values["NewExternalPort"] not in self.entries:
                    return 714
                client, port = self.entries[values["NewExternalPort"]]
                return (
                    f"<NewInternalPort>{port}</NewInternalPort>"
                    f"<NewInternalClient>{client}</NewInternalClient>"
                )
            case "GetExternalIPAddress":
                return f"<NewExternalIPAddress>{self.host}</NewExternalIPAddress>"
            case _:
                return "" if self.entries.pop(values["NewExternalPort"], None) else 714


DESCRIPTION = """<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><!-- a home router --><device><deviceList><device>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>
<controlURL>/other</controlURL></service><service>
<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>
<controlURL>{control}</controlURL></service></serviceList></device></deviceList></device></root>"""
ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<u:{action}Response xmlns:u="urn:x">{values}</u:{action}Response></s:Body></s:Envelope>'
)
FAULT = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><detail>'
    '<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{code}</errorCode>'
    "<errorDescription>Refused</errorDescription></UPnPError></detail></s:Fault></s:Body>"
    "</s:Envelope>"
)


@asynccontextmanager
async def upnp_router(sender: str = "127.0.0.1") -> AsyncIterator[UpnpRouter]:
    """A router on 127.0.0.1. sender: the address from which searches are answered."""
    tcp = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    router = UpnpRouter(tcp.socket.getsockname()[1])
    with (
        trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as udp,
        trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as out,
    ):
        await udp.bind(("127.0.0.1", router.port))
        await out.bind((sender, 0))

        async def tell() -> None:
            while True:
                _, client = await udp.recvfrom(4096)
                await out.sendto(router.search_answer(), client)

        async def serve(stream: trio.SocketStream) -> None:
            request = b""
            with suppress(trio.BrokenResourceError):
                while not _is_whole(request):
                    part = await stream.receive_some(4096)
                    if not part:
                        return
                    request += part
                await stream.send_all(router.http_answer(request))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell)
            nursery.start_soon(trio.serve_listeners, serve, [tcp])
            yield router
            nursery.cancel_scope.cancel()


def _is_whole(request: bytes) -> bool:
    head, gap, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: (\d+)", head)
    return bool(gap) and len(body) >= (int(length[1]) if length else 0)


def _http(status: int, body: str) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body.encode()
