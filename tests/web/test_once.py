"""A form writes once: sent twice, at once, or again after its page's process was killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from commonweal.client import Member, create_home
from commonweal.web.security import sessions
from commonweal.web.security.entry import new_token
from commonweal.web.security.sessions import Session
from commonweal.web.serving.page_file import PageFile
from tests.builders import deaths
from tests.builders.browser import SENT_BY_BROWSERS, browser, hidden

WORK = {"action": "work", "quantity": "3", "unit": "hours"}
BEFORE_ANSWER = "before it answers"
PAGE = """
import sys
from pathlib import Path
from commonweal.web.pages.request import PageRequest
from commonweal.web.serving import process
from tests.builders import deaths

home, point = Path(sys.argv[1]), sys.argv[2]

def ready(_address):
    if point == "before it answers":
        PageRequest.go = deaths.die
    elif point:
        deaths.die_at(point)
    print("ready", flush=True)

process.run(home, 0, ready)
"""
"""Serves the page of a home, and kills itself at one point of the first writing."""


def founded(folder: Path) -> Path:
    create_home(folder, "Mei")
    with Member(folder) as mei:
        mei.found("Lanxi", rules="value-network")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a founder, without a node."""
    return founded(tmp_path / "mei")


@pytest.fixture(scope="module")
def with_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a founder whose node runs, for all tests that need one."""
    home = founded(tmp_path_factory.mktemp("node") / "mei")
    with Member(home) as mei:
        mei.start_node(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)
        yield home
        mei.stop_node()


def count(home: Path) -> int:
    with Member(home) as mei:
        return mei.contributions().total


@contextmanager
def serving(home: Path, point: str = "") -> Iterator[subprocess.Popen[str]]:
    """Serve the page of a home from a process of its own, which dies at a point."""
    command = [sys.executable, "-c", PAGE, str(home), point]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.terminate()


@contextmanager
def client_of(home: Path, cookies: httpx2.Cookies | None = None) -> Iterator[httpx2.Client]:
    """Give what a browser with these cookies sends to the page of a home that is served now."""
    address = PageFile(home).read()
    assert address is not None
    headers = SENT_BY_BROWSERS | {"origin": address.url, "referer": f"{address.url}/give"}
    with httpx2.Client(base_url=address.url, headers=headers, cookies=cookies) as client:
        if cookies is None:
            client.post("/enter", data={"token": new_token(address.key)})
        yield client


def sent(client: httpx2.Client, form: dict[str, str]) -> tuple[str, str]:
    """Send a form that records; return where it leads to, and what is told there."""
    answer = client.post("/give/record", data=form)
    assert answer.status_code == 303, answer.text
    page = client.get(answer.headers["location"]).text
    notices = re.findall(r'class="notice" role="status">([^<]*)<', page)
    return answer.headers["location"], " ".join(notices)


def killed_then_sent_again(home: Path, point: str) -> None:
    """Send a form to a page that dies at a point, and twice to the next process."""
    before = count(home)
    with serving(home, point) as process, client_of(home) as client:
        form = WORK | hidden(client.get("/give").text)
        cookies = client.cookies
        with pytest.raises(httpx2.TransportError):
            client.post("/give/record", data=form)
        assert process.wait() == -signal.SIGKILL, "it died at that point"
    with serving(home), client_of(home, cookies) as client:
        first = sent(client, form)
        assert count(home) == before + 1
        assert first[1] == "It is written down."
        assert sent(client, form) == first
    assert count(home) == before + 1


@pytest.mark.parametrize("point", [*deaths.WITH_NODE, BEFORE_ANSWER])
def test_a_page_that_is_killed_while_a_node_writes(with_node: Path, point: str) -> None:
    killed_then_sent_again(with_node, point)


@pytest.mark.parametrize("point", [*deaths.ALONE, BEFORE_ANSWER])
def test_a_page_that_is_killed_while_it_writes_alone(home: Path, point: str) -> None:
    killed_then_sent_again(home, point)


def test_a_form_that_is_sent_many_times_at_once_writes_once(with_node: Path) -> None:
    before = count(with_node)
    with serving(with_node), client_of(with_node) as client:
        form = WORK | hidden(client.get("/give").text)
        with ThreadPoolExecutor(8) as pool:
            places = {place for place, _ in pool.map(lambda _: sent(client, form), range(8))}
        assert len(places) == 1
        assert count(with_node) == before + 1
        sent(client, WORK | hidden(client.get("/give").text))
    assert count(with_node) == before + 2


def test_forms_of_one_page_are_different_requests(home: Path) -> None:
    with browser(home) as mei:
        mei.get("/give")
        form = hidden(mei.page.text)
        for quantity in ("1", "2", "1"):
            mei.post("/give/record", WORK | form | {"quantity": quantity})
    assert count(home) == 2


def test_a_form_without_a_number_of_its_own_acts_each_time(home: Path) -> None:
    with browser(home) as mei:
        for _ in range(2):
            mei.get("/give")
            mei.post("/give/record", WORK | {"once": ""})
    assert count(home) == 2


def test_answers_that_a_session_remembers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "ANSWERS_MAX", 2)
    session = Session("key", "token", [])
    for key in "abca":
        session.remember(key, (f"/{key}", ""))
    assert list(session.answers) == ["c", "a"]
