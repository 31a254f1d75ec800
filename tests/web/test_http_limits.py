"""What the page's process takes from a connection: how many, how large, how slow, how broken."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest

from commonweal.web.live.hub import STREAMS_MAX
from commonweal.web.security.entry import new_token
from commonweal.web.security.gate import FORM_BYTES_MAX, HEAD_BYTES_MAX
from commonweal.web.serving.http import CONNECTIONS_MAX, IDLE_SECONDS_MAX
from commonweal.web.serving.page_file import PageAddress, PageFile
from tests.builders.browser import SENT_BY_BROWSERS
from tests.builders.weal import founder

WAIT_SECONDS = 60.0
"""How long a test waits for what must come."""
SERVER = """
import sys
from pathlib import Path
from commonweal.web.security import gate
from commonweal.web.serving import http, process

gate.FORM_SECONDS_MAX = http.HEAD_SECONDS_MAX = float(sys.argv[2])
process.run(Path(sys.argv[1]), 0, lambda _address: print("ready", flush=True))
"""
"""Serves the page of a home, with so many seconds for a head and for a form."""
PATIENT, HASTY = "60", "0.3"


@contextmanager
def served(home: Path, seconds: str) -> Iterator[PageAddress]:
    """Serve the page of a home by a process of its own."""
    command = [sys.executable, "-c", SERVER, str(home), seconds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            address = PageFile(home).read()
            assert address is not None
            yield address
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageAddress]:
    with served(founder(tmp_path_factory.mktemp("patient") / "mei"), PATIENT) as address:
        yield address


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageAddress]:
    with served(founder(tmp_path_factory.mktemp("hasty") / "mei"), HASTY) as address:
        yield address


def connected(address: PageAddress, sent: bytes = b"") -> socket.socket:
    """Return a connection to the page, after it sent something."""
    line = socket.create_connection(("127.0.0.1", address.port), WAIT_SECONDS)
    line.sendall(sent)
    return line


def rest(line: socket.socket) -> bytes:
    """Return all that comes until the page closes the connection."""
    answer = b""
    try:
        while part := line.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def head(address: PageAddress, line: str = "GET /enter HTTP/1.1", *more: str) -> bytes:
    """Return the head of a request, by the page's own host."""
    return "\r\n".join([line, f"host: 127.0.0.1:{address.port}", *more, "", ""]).encode("latin-1")


def answered(address: PageAddress, sent: bytes) -> bytes:
    """Return what one connection is told, on which nothing more is sent."""
    with connected(address, sent) as line:
        line.shutdown(socket.SHUT_WR)
        return rest(line)


def status(answer: bytes) -> int:
    """Return the status of an answer, 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def serves(address: PageAddress) -> bool:
    """Whether the page answers a good request."""
    return (
        status(answered(address, head(address, "GET /enter HTTP/1.1", "connection: close"))) == 200
    )


@contextmanager
def let_in(address: PageAddress) -> Iterator[httpx2.Client]:
    """Give a client with a session."""
    headers = SENT_BY_BROWSERS | {"origin": address.url}
    with httpx2.Client(base_url=address.url, headers=headers, timeout=WAIT_SECONDS) as client:
        client.post("/enter", data={"token": new_token(address.key)})
        yield client


def test_of_too_many_connections_the_last_is_closed(patient: PageAddress) -> None:
    request = head(patient)
    with ExitStack() as lines:
        for _ in range(CONNECTIONS_MAX):
            line = lines.enter_context(connected(patient, request))
            assert line.recv(12) == b"HTTP/1.1 200"
        with connected(patient) as more:
            assert rest(more) == b""
    assert serves(patient)


@pytest.mark.parametrize("sent", [b"", b"GET /ent", b"GET /enter HTTP/1.1\r\nhost: x\r\nx: "])
def test_a_head_that_does_not_come_ends_the_connection(hasty: PageAddress, sent: bytes) -> None:
    with connected(hasty, sent) as line:
        assert rest(line) == b""
    assert serves(hasty)


def test_a_second_head_that_does_not_come_ends_the_connection(hasty: PageAddress) -> None:
    with connected(hasty, head(hasty) + b"GET /ent") as line:
        line.settimeout(IDLE_SECONDS_MAX / 2)
        assert rest(line).count(b"HTTP/1.1 ") == 1


def test_a_form_that_comes_too_slowly_is_refused(hasty: PageAddress) -> None:
    more = [f"origin: {hasty.url}", "content-type: application/x-www-form-urlencoded"]
    with connected(hasty, head(hasty, "POST /enter HTTP/1.1", *more, "content-length: 9")) as line:
        line.sendall(b"token=")
        assert line.recv(12) == b"HTTP/1.1 408"
    assert serves(hasty)


def test_a_head_is_taken_up_to_its_limit(patient: PageAddress) -> None:
    def sized(size: int) -> bytes:
        empty = head(patient, "GET /enter HTTP/1.1", "connection: close", "x: ")
        return empty.replace(b"x: ", b"x: " + b"y" * (size - len(empty)))

    assert status(answered(patient, sized(HEAD_BYTES_MAX))) == 200
    for size in (HEAD_BYTES_MAX + 1, 2 * HEAD_BYTES_MAX, 8 * HEAD_BYTES_MAX):
        assert status(answered(patient, sized(size))) in (400, 431), size
    assert status(answered(patient, head(patient, f"GET /?{'y' * HEAD_BYTES_MAX} HTTP/1.1"))) in (
        400,
        431,
    )
    assert serves(patient)


def test_a_head_without_an_end_is_refused(patient: PageAddress) -> None:
    with connected(patient, b"GET /" + b"y" * (HEAD_BYTES_MAX + 1)) as line:
        assert status(rest(line)) == 400


def test_of_too_many_streams_the_last_is_refused(patient: PageAddress) -> None:
    with let_in(patient) as client, ExitStack() as streams:
        for _ in range(STREAMS_MAX):
            answer = streams.enter_context(client.stream("GET", "/live"))
            assert answer.status_code == 200
        assert client.get("/live").status_code == 503
        assert client.get("/settings").status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        bytes(range(256)) * 8,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /enter\r\n\r\n",
        b"GET /enter HTTP/0.9\r\n\r\n",
        b"GET /enter HTTP/1.1\r\n\r\n",
        b"GET /enter HTTP/1.1\nhost 127.0.0.1\n\n",
        b"\r\n" * 3000,
        b"GET /\x00 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET http://evil.example/enter HTTP/1.1\r\nhost: evil.example\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n",
    ],
    ids=range(11),
)
def test_what_is_no_request_of_ours_is_refused(patient: PageAddress, sent: bytes) -> None:
    assert status(answered(patient, sent)) in {0, *range(400, 500)}
    assert serves(patient)


@pytest.mark.parametrize(
    ("line", "more", "body"),
    [
        ("GET http://evil.example/settings HTTP/1.1", [], b""),
        ("GET //evil.example/settings HTTP/1.1", [], b""),
        ("GET * HTTP/1.1", [], b""),
        ("GET /enter/../settings HTTP/1.1", [], b""),
        ("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", [], b""),
        ("GET /assets/%2e%2e/%2e%2e/application.py HTTP/1.1", [], b""),
        ("GET /%00 HTTP/1.1", [], b""),
        ("GET /%ff%fe HTTP/1.1", [], b""),
        ("HEAD /enter HTTP/1.1", [], b""),
        ("POST /enter HTTP/1.1", ["transfer-encoding: chunked"], b"zz\r\nab\r\n0\r\n\r\n"),
        ("POST /enter HTTP/1.1", ["transfer-encoding: chunked"], b"ffffffffffff\r\nab\r\n"),
        ("POST /enter HTTP/1.1", ["transfer-encoding: chunked"], b"2\r\nabcdef\r\n0\r\n\r\n"),
        ("POST /enter HTTP/1.1", ["transfer-encoding: gzip"], b""),
        ("POST /enter HTTP/1.1", ["content-length: 5", "content-length: 6"], b"token="),
        ("POST /enter HTTP/1.1", ["content-length: -1"], b"token="),
        ("POST /enter HTTP/1.1", ["content-length: +6"], b"token="),
        ("POST /enter HTTP/1.1", ["content-length: 50"], b"token="),
        ("POST /enter HTTP/1.1", [f"content-length: {FORM_BYTES_MAX * 99}"], b""),
        ("GET /enter HTTP/1.1", ["host: evil.example"], b""),
        ("GET /enter HTTP/1.1", [" x: folded"], b""),
    ],
)
def test_a_request_that_is_not_sound_is_refused(
    patient: PageAddress, line: str, more: list[str], body: bytes
) -> None:
    named = ["connection: close", f"origin: {patient.url}", *more]
    answer = answered(patient, head(patient, line, *named) + body)
    assert status(answer) in {0, *range(400, 500)}, answer[:200]
    assert b"Traceback" not in answer
    assert serves(patient)


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.2"])
def test_no_connection_becomes_another_protocol(patient: PageAddress, protocol: str) -> None:
    more = ["connection: upgrade", f"upgrade: {protocol}", "sec-websocket-key: AAAA"]
    assert status(answered(patient, head(patient, "GET /enter HTTP/1.1", *more))) in (200, 400)
    assert serves(patient)


def test_requests_in_one_piece_are_answered_in_their_order(patient: PageAddress) -> None:
    wrong = head(patient, "GET /settings HTTP/1.1")
    last = head(patient, "GET /enter HTTP/1.1", "connection: close")
    answer = answered(patient, head(patient) + wrong + last)
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 401, 200]
