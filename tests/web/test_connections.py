"""Which user of this computer brings a token of entry."""

from __future__ import annotations

import os
import socket
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from fastapi import Request

from commonweal.commands.node import page
from commonweal.web.pages import entry
from commonweal.web.security import connections
from commonweal.web.security.connections import user_of
from commonweal.web.security.entry import EntryTokens, new_token
from commonweal.web.serving.page_file import PageAddress
from tests.builders.browser import KEY, SENT_BY_BROWSERS, URL, browser
from tests.builders.weal import founder

ANN, EVE = 1001, 1002
IPV4, IPV6 = (
    pytest.mark.skipif(not connections.TABLES[family].exists(), reason="this system lists none")
    for family in (socket.AF_INET, socket.AF_INET6)
)


@contextmanager
def connection(host: str) -> Iterator[tuple[socket.socket, Request]]:
    """Give the client's end of a connection, and a request as the server gets it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, 0), family=family))
        address = listener.getsockname()[:2]
        client = stack.enter_context(socket.create_connection(address))
        server, theirs = listener.accept()
        stack.enter_context(server)
        yield client, Request({"type": "http", "client": theirs[:2], "server": address})


@pytest.mark.parametrize(
    "host", [pytest.param("127.0.0.1", marks=IPV4), pytest.param("::1", marks=IPV6)]
)
def test_a_connection_is_of_the_user_who_opened_it(host: str) -> None:
    with connection(host) as (client, request):
        assert user_of(request) == os.getuid()
        if os.getuid() == 0:  # root alone may give a socket away
            os.fchown(client.fileno(), EVE, -1)
            assert user_of(request) == EVE


@IPV4
def test_a_connection_from_another_address_with_the_same_port_is_another() -> None:
    with connection("127.0.0.1") as (_, request):
        request.scope["client"] = ("127.0.0.2", request.scope["client"][1])
        assert user_of(request) is None


@pytest.mark.parametrize("client", [None, ("testclient", 50_000), ("127.0.0.1", 1)])
def test_what_the_system_does_not_list_is_of_nobody_known(client: object) -> None:
    server = ("127.0.0.1", 4999)
    assert user_of(Request({"type": "http", "client": client, "server": server})) is None


def test_a_system_without_a_table_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection("127.0.0.1") as (_, request):
        monkeypatch.setitem(connections.TABLES, socket.AF_INET, Path("/nothing/here"))
        assert user_of(request) is None


def test_a_token_that_a_browser_was_opened_with_is_for_its_user_alone() -> None:
    doors, token = EntryTokens(KEY), new_token(KEY, user=ANN)
    assert not doors.take(token, user=EVE)
    assert doors.take(token, user=ANN), "another user's try used it up"
    assert not doors.take(token, user=ANN)
    for user in (0, None):
        assert doors.take(new_token(KEY, user=ANN), user=user)
    assert doors.take(new_token(KEY), user=EVE), "a printed address is for whoever has it"


def test_the_page_asks_whose_connection_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = SENT_BY_BROWSERS | {"origin": URL}
    form = {"token": new_token(KEY, user=ANN)}
    with browser(founder(tmp_path / "ann")) as window:
        window.client.cookies.clear()
        monkeypatch.setattr(entry, "user_of", lambda request: EVE)
        answer = window.client.post("/enter", data=form, headers=headers)
        assert answer.status_code == 403
        assert "another user of this computer" in answer.text
        assert "set-cookie" not in answer.headers
        monkeypatch.setattr(entry, "user_of", lambda request: ANN)
        assert window.client.post("/enter", data=form, headers=headers).status_code == 200


def test_what_opens_the_browser_is_for_this_user_and_what_is_printed_for_anybody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def takes(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", takes)
    address, doors, stranger = PageAddress(4999, KEY), EntryTokens(KEY), os.getuid() + 1
    page._tell(address, browser=True)
    page._tell(address, browser=False)
    printed = capsys.readouterr().out.split("#")
    assert len(printed) == 2, "the token that opened a browser is printed"
    assert not doors.take(opened[0].partition("#")[2], user=stranger)
    assert doors.take(opened[0].partition("#")[2], user=os.getuid())
    assert doors.take(printed[1], user=stranger)
