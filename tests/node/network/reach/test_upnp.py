"""UPnP with a scripted router on loopback: what is mapped, and what a hostile one cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import trio

from commonweal.node.network.reach.gateways import http_call, soap, ssdp
from commonweal.node.network.reach.gateways.gateway_client import (
    GatewayRefused,
    GatewaySilent,
    Grant,
)
from commonweal.node.network.reach.gateways.upnp import PORTS_TRIED_MAX, UpnpClient
from tests.node.network.reach.scripted_gateways import (
    HERE,
    INTERNAL,
    OUTSIDE,
    UpnpRouter,
    upnp_router,
)

URL = "http://127.0.0.1:5000/description.xml"


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that wait for silence; the others are as patient as a node."""
    monkeypatch.setattr(ssdp, "SEARCH_S", 0.1)
    monkeypatch.setattr(http_call, "CALL_S_MAX", 0.5)


@pytest.fixture
async def router() -> AsyncIterator[UpnpRouter]:
    async with upnp_router() as router:
        yield router


def client_of(router: UpnpRouter) -> UpnpClient:
    """A client whose searches go to the router alone."""
    return UpnpClient(HERE, "127.0.0.1", router.port)


async def test_a_port_is_mapped_looked_at_and_given_back(router: UpnpRouter) -> None:
    client = client_of(router)
    grant = await client.map(INTERNAL, INTERNAL)
    assert grant == Grant(INTERNAL, OUTSIDE, INTERNAL, 3600)
    assert router.entries == {str(INTERNAL): ("127.0.0.1", str(INTERNAL))}
    assert await client.stands(grant)
    await client.map(INTERNAL, INTERNAL)
    assert router.leases == ["3600", "3600"]
    await client.unmap(grant)
    assert router.entries == {}
    assert not await client.stands(grant)


async def test_a_mapping_that_is_anothers_now_does_not_stand(router: UpnpRouter) -> None:
    client = client_of(router)
    grant = await client.map(INTERNAL, INTERNAL)
    router.entries[str(INTERNAL)] = ("127.0.0.9", str(INTERNAL))
    assert not await client.stands(grant)
    router.entries[str(INTERNAL)] = ("127.0.0.1", str(INTERNAL))
    router.host = "198.18.0.8"
    assert not await client.stands(grant)


async def test_a_router_that_cannot_show_its_entries_keeps_its_word(router: UpnpRouter) -> None:
    client = client_of(router)
    grant = await client.map(INTERNAL, INTERNAL)
    router.answers["GetSpecificPortMappingEntry"] = 401
    assert await client.stands(grant)
    router.host = "198.18.0.8"
    assert not await client.stands(grant)


async def test_a_router_that_listens_elsewhere_is_found_again(router: UpnpRouter) -> None:
    client = client_of(router)
    grant = await client.map(INTERNAL, INTERNAL)
    point = client._point
    assert point is not None
    client._point = replace(point, url="http://127.0.0.1:1/control")
    assert await client.stands(grant)
    assert client._point == point


async def test_another_port_is_taken_where_the_wanted_one_is_anothers(router: UpnpRouter) -> None:
    router.entries[str(INTERNAL)] = ("127.0.0.9", "80")
    grant = await client_of(router).map(INTERNAL, INTERNAL)
    assert grant.external_port not in (INTERNAL, 0)
    assert router.entries[str(grant.external_port)] == ("127.0.0.1", str(INTERNAL))


async def test_no_more_than_so_many_ports_are_tried(router: UpnpRouter) -> None:
    router.answers["AddPortMapping"] = 718
    with pytest.raises(GatewayRefused, match="718"):
        await client_of(router).map(INTERNAL, INTERNAL)
    assert router.asked.count("AddPortMapping") == PORTS_TRIED_MAX


async def test_a_router_that_knows_no_lifetimes_maps_until_it_is_told_otherwise(
    router: UpnpRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = UpnpRouter._act

    def permanent(self: UpnpRouter, action: str, values: dict[str, str]) -> str | int:
        is_refused = action == "AddPortMapping" and values["NewLeaseDuration"] != "0"
        return 725 if is_refused else act(self, action, values)

    monkeypatch.setattr(UpnpRouter, "_act", permanent)
    client = client_of(router)
    await client.map(INTERNAL, INTERNAL)
    await client.map(INTERNAL, INTERNAL)
    assert router.leases == ["0", "0"]
    assert router.asked.count("AddPortMapping") == 3


@pytest.mark.parametrize("code", [402, 501, 606])
async def test_a_refusal_is_told_with_its_code(router: UpnpRouter, code: int) -> None:
    router.answers["AddPortMapping"] = code
    with pytest.raises(GatewayRefused, match=f"Refused .{code}."):
        await client_of(router).map(INTERNAL, INTERNAL)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "nonsense"])
async def test_a_router_that_is_not_connected_has_no_address(router: UpnpRouter, host: str) -> None:
    router.host = host
    assert (await client_of(router).map(INTERNAL, INTERNAL)).external_host == ""


@pytest.mark.usefixtures("_quick")
async def test_who_poses_as_the_router_is_not_heard() -> None:
    """127.0.0.3 answers the search, and names a document of the router."""
    async with upnp_router(sender="127.0.0.3") as router:
        with pytest.raises(GatewaySilent):
            await client_of(router).map(INTERNAL, INTERNAL)
        assert router.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.3:80/description.xml",
        "http://127.0.0.1.example.org/description.xml",
        "http://router.example/description.xml",
        "https://127.0.0.1/description.xml",
        "file:///etc/passwd",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://[/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/" + "a" * ssdp.URL_CHARACTERS_MAX,
    ],
)
def test_a_document_elsewhere_is_not_fetched(location: str) -> None:
    assert ssdp.location(UpnpRouter(1, location=location).search_answer(), "127.0.0.1") == ""


def test_an_answer_to_a_search_has_a_largest_size() -> None:
    answer = UpnpRouter(5000).search_answer()
    padded = answer[:-2] + b"X: " + b"x" * ssdp.ANSWER_BYTES_MAX
    assert ssdp.location(padded[: ssdp.ANSWER_BYTES_MAX], "127.0.0.1") == URL
    assert ssdp.location(padded[: ssdp.ANSWER_BYTES_MAX + 1], "127.0.0.1") == ""
    longest = "http://127.0.0.1/".ljust(ssdp.URL_CHARACTERS_MAX, "a")
    assert ssdp.is_of_gateway(longest, "127.0.0.1")
    assert not ssdp.is_of_gateway(longest + "a", "127.0.0.1")
    assert ssdp.location(b"NOTIFY * HTTP/1.1\r\nLOCATION: " + URL.encode(), "127.0.0.1") == ""


@pytest.mark.parametrize("control", ["http://127.0.0.3/control", "//127.0.0.3/control", "ftp://a"])
async def test_a_control_point_elsewhere_is_not_asked(router: UpnpRouter, control: str) -> None:
    router.control = control
    with pytest.raises(GatewaySilent, match="no service"):
        await client_of(router).map(INTERNAL, INTERNAL)
    assert router.asked == ["description"]


def document(size: int) -> bytes:
    """An answer over HTTP whose body has this size."""
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * size


async def test_a_document_has_a_largest_size(router: UpnpRouter) -> None:
    url = f"http://127.0.0.1:{router.port}/d"
    router.answers["description"] = document(http_call.DOCUMENT_BYTES_MAX)
    assert len((await http_call.call(HERE, url))[1]) == http_call.DOCUMENT_BYTES_MAX
    router.answers["description"] = document(http_call.DOCUMENT_BYTES_MAX + 1)
    with pytest.raises(GatewaySilent):
        await http_call.call(HERE, url)


@pytest.mark.parametrize(
    "answer",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2 * http_call.HEADER_BYTES_MAX + b"\r\n\r\n",
        document(0) + b"<root>",
        document(0) + b"\xff\xfe",
        document(0) + b'<!DOCTYPE a [<!ENTITY b "c">]><root>&b;</root>',
        document(0) + b"<root>" + b"<a>" * 30_000 + b"</a>" * 30_000,
        document(0) + b"<root><service/></root>",
    ],
)
async def test_a_description_that_is_none_is_refused(router: UpnpRouter, answer: bytes) -> None:
    router.answers["description"] = answer
    with pytest.raises(GatewaySilent):
        await client_of(router).map(INTERNAL, INTERNAL)


async def test_an_entity_is_never_expanded(router: UpnpRouter) -> None:
    """A description that would be in order, but for what its DTD makes of an entity."""
    entity = '<!DOCTYPE root [<!ENTITY ip "urn:schemas-upnp-org:service:WANIPConnection:1">]>'
    plain = router.http_answer(b"GET / HTTP/1.1").partition(b"\r\n\r\n")[2].decode()
    head, _, rest = plain.partition("?>")
    kind = "urn:schemas-upnp-org:service:WANIPConnection:1"
    told = head + "?>" + entity + rest.replace(kind, "&ip;")
    router.answers["description"] = document(0) + told.encode()
    with pytest.raises(GatewaySilent, match="DTD"):
        await client_of(router).map(INTERNAL, INTERNAL)


@pytest.mark.usefixtures("_quick")
async def test_a_router_that_dribbles_or_says_nothing_ends_in_time(
    router: UpnpRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dribble(stream: trio.SocketStream, data: bytes) -> None:
        for _ in range(30):
            await send(stream, b"HTTP/1.1 200 OK\r\n"[:1])
            await trio.sleep(0.1)

    send = trio.SocketStream.send_all
    router.answers["description"] = b"-"
    began = trio.current_time()
    served = []

    async def some(stream: trio.SocketStream, data: bytes) -> None:
        if data == b"-":
            served.append(1)
            await dribble(stream, data)
        else:
            await send(stream, data)

    monkeypatch.setattr(trio.SocketStream, "send_all", some)
    with pytest.raises(GatewaySilent):
        await client_of(router).map(INTERNAL, INTERNAL)
    assert served
    assert trio.current_time() - began < 2.5


def test_the_values_of_an_answer_are_short_and_escaped_in_a_question() -> None:
    long = "x" * (soap.VALUE_CHARACTERS_MAX + 1)
    assert soap.answer(200, f"<a><b>{long}</b></a>".encode())["b"] == long[:-1]
    asked = soap.question("urn:x", "Act", {"A": "<&>"})
    assert b"<A>&lt;&amp;&gt;</A>" in asked
    with pytest.raises(soap.ActionFailed) as refusal:
        soap.answer(500, b"<a><errorCode>99999999</errorCode></a>")
    assert refusal.value.code == 0
