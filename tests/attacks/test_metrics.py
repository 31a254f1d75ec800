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
    return b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"


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
        b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /../metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\r\n\r\n",
        b"\xff\x00" * 50 + b"\r\n\r\n",
    ],
)
async def test_nothing_else_is_served(nursery: trio.Nursery, request_bytes: bytes) -> None:
    port = await nursery.start(Metrics(0, healthy).run)
    answer = await asked(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 404 ") or not answer
    assert b"commonweal_records" not in answer


@pytest.mark.parametrize("path", [b"/metrics", b"/health", b"/"])
async def test_a_client_that_asks_for_the_head_gets_no_body_and_ends_nothing(
    nursery: trio.Nursery, path: bytes
) -> None:
    port = await nursery.start(Metrics(0, healthy).run)
    head, _, body = (await asked(port, get(path).replace(b"GET", b"HEAD"))).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ") and not body
    assert b" 200 " in await asked(port, get(b"/metrics"))


async def test_what_fails_for_one_client_ends_nothing(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    failing = [ValueError("broken")]

    async def fails_once() -> dict[str, int]:
        if failing:
            raise failing.pop()
        return await healthy()

    port = await nursery.start(Metrics(0, fails_once).run)
    assert not await asked(port, get(b"/metrics"))
    assert "the metrics could not be shown: ValueError: broken" in caplog.messages
    assert b" 200 " in await asked(port, get(b"/metrics"))


@pytest.mark.parametrize(
    ("host", "is_answered"),
    [
        *((host, True) for host in (b"127.0.0.1", b"localhost", b"LOCALHOST:9464", b"[::1]:9464")),
        *((host, True) for host in (b"192.0.2.7:9464", b"[2001:db8::7]")),
        *((host, False) for host in (b"x", b"attacker.example:9464", b"localhost.example", b"")),
        *((host, False) for host in (b"127.0.0.1.example", b"127.0.0.1@x", b"[x]", b"localhost:x")),
    ],
)
async def test_a_page_of_a_foreign_name_reads_no_figure(
    nursery: trio.Nursery, host: bytes, is_answered: bool
) -> None:
    """As a browser asks in which a page made its own name lead to this machine."""
    port = await nursery.start(Metrics(0, healthy).run)
    for path in (b"/metrics", b"/health"):
        answer = await asked(port, get(path).replace(b"localhost", host))
        assert answer.startswith(b"HTTP/1.1 200 " if is_answered else b"HTTP/1.1 421 ")
        assert (b"records" in answer) is is_answered


async def test_a_check_without_a_host_is_answered(nursery: trio.Nursery) -> None:
    port = await nursery.start(Metrics(0, healthy).run)
    assert b" 200 " in await asked(port, b"GET /health HTTP/1.0\r\n\r\n")


async def test_slow_and_chatty_clients_cost_nothing(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await nursery.start(Metrics(0, healthy).run)
    endless = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: "
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
