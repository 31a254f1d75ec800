"""What a monitor reads of a node, and what a hostile local client can make it do."""

from __future__ import annotations

import json

import pytest
import trio

from commonweal.node.runtime import metrics
from commonweal.node.runtime.metrics import CONNECTIONS_MAX, REQUEST_BYTES_MAX, Metrics
from commonweal.protocol.errors import DiskFull


async def healthy() -> dict[str, int]:
    return {"healthy": 1, "writable": 1, "records": 12}


async def refused() -> dict[str, int]:
    raise DiskFull("no room")


def get(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n"


async def asked(port: int, request: bytes) -> bytes:
    """Everything that is answered to a request."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        with trio.fail_after(5):
            await stream.send_all(request)
            return b"".join([part async for part in stream])


async def test_a_monitor_reads_every_figure(nursery: trio.Nursery) -> None:
    port = await nursery.start(Metrics(0, healthy).run)
    text = (await asked(port, get(b"/metrics"))).decode()
    assert text.startswith("HTTP/1.1 200 ")
    for name in metrics.FIGURES:
        assert f"\n# TYPE commonweal_{name} gauge\n" in text
    assert "\ncommonweal_records 12.0\n" in text
    head, _, body = (await asked(port, get(b"/health"))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and json.loads(body)["writable"] == 1


async def test_a_node_whose_disk_refuses_is_not_healthy(nursery: trio.Nursery) -> None:
    port = await nursery.start(Metrics(0, refused).run)
    assert (await asked(port, get(b"/health"))).startswith(b"HTTP/1.1 503 ")
    assert b"\ncommonweal_healthy 0.0\n" in await asked(port, get(b"/metrics"))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /../metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n",
        b"\xff\x00" * 50 + b"\r\n\r\n",
    ],
)
async def test_nothing_else_is_served(nursery: trio.Nursery, request_bytes: bytes) -> None:
    port = await nursery.start(Metrics(0, healthy).run)
    answer = await asked(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 404 ") or not answer
    assert b"commonweal_records" not in answer


async def test_slow_and_chatty_clients_cost_nothing(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await nursery.start(Metrics(0, healthy).run)
    endless = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: "
    with trio.fail_after(metrics.SECONDS_MAX / 2):
        assert not await asked(port, endless.ljust(REQUEST_BYTES_MAX + 1, b"x"))
    monkeypatch.setattr(metrics, "SECONDS_MAX", 0.3)
    silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(CONNECTIONS_MAX + 4)]
    with trio.fail_after(3):
        for stream in silent:
            assert await stream.receive_some() == b""
    for stream in silent:
        await stream.aclose()
    assert b" 200 " in await asked(port, get(b"/metrics"))
