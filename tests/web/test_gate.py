"""The gate of the page: which requests are answered, by host, source, session and form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.web.security.gate import ENTRY_BYTES_MAX, FORM_BYTES_MAX, HEADERS
from tests.builders.browser import PORT, SENT_BY_BROWSERS, URL, Browser, browser, hidden
from tests.builders.weal import founder

TAKEN_HOSTS = [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}"]
REFUSED_HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    f"127.0.0.1:{PORT + 1}",
    f"127.0.0.1:{PORT}.",
    f"localhost.:{PORT}",
    f"LOCALHOST:{PORT}",
    f"evil.example:{PORT}",
    f"127.0.0.1.evil.example:{PORT}",
    f"evil.example.127.0.0.1:{PORT}",
    f"127.0.0.2:{PORT}",
    f"127.1:{PORT}",
    f"2130706433:{PORT}",
    f"0x7f.0.0.1:{PORT}",
    f"0177.0.0.1:{PORT}",
    f"0.0.0.0:{PORT}",
    f"[::]:{PORT}",
    f"[::ffff:127.0.0.1]:{PORT}",
    f"[0:0:0:0:0:0:0:1]:{PORT}",
    f"[::1%lo]:{PORT}",
    f"::1:{PORT}",
    f"user@127.0.0.1:{PORT}",
    f"127.0.0.1:{PORT}@evil.example",
    f"127.0.0.1:{PORT},evil.example",
    f"127.0.0.1:0{PORT}",
    f" 127.0.0.1 :{PORT}",
    "",
]


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return founder(tmp_path_factory.mktemp("garden") / "ann")


@pytest.fixture
def ann(garden: Path) -> Iterator[Browser]:
    with browser(garden) as entered:
        yield entered


@pytest.mark.parametrize("host", TAKEN_HOSTS)
def test_the_page_answers_by_the_names_of_this_machine(ann: Browser, host: str) -> None:
    assert ann.get("/settings", host=host).status_code == 200


@pytest.mark.parametrize("host", REFUSED_HOSTS)
def test_a_foreign_host_is_refused_before_all_else(ann: Browser, host: str) -> None:
    answer = ann.get("/settings", host=host)
    assert answer.status_code == 421
    assert "Settings" not in answer.text


def test_two_hosts_are_refused(ann: Browser) -> None:
    hosts = [("host", TAKEN_HOSTS[0]), ("host", TAKEN_HOSTS[0]), ("sec-fetch-site", "none")]
    assert ann.client.get("/settings", headers=hosts).status_code == 421


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
def test_other_methods_are_refused(ann: Browser, method: str) -> None:
    answer = ann.client.request(method, "/settings", headers=SENT_BY_BROWSERS)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "site", "origin", "status"),
    [
        ("GET", "same-origin", None, 200),
        ("GET", "none", None, 200),
        ("GET", None, None, 200),
        ("GET", "same-site", None, 403),
        ("GET", "cross-site", None, 403),
        ("GET", "same-origin", "http://evil.example", 403),
        ("GET", None, "null", 403),
        ("POST", "same-origin", URL, 303),
        ("POST", None, URL, 303),
        ("POST", "same-origin", None, 403),
        ("POST", None, None, 403),
        ("POST", "none", URL, 403),
        ("POST", "same-site", URL, 403),
        ("POST", "cross-site", "http://evil.example", 403),
        ("POST", "same-origin", "null", 403),
        ("POST", "same-origin", f"http://localhost:{PORT}", 403),
        ("POST", "same-origin", f"https://127.0.0.1:{PORT}", 403),
        ("POST", "same-origin", f"http://127.0.0.1:{PORT + 1}", 403),
    ],
)
def test_what_other_sites_send_is_refused(
    ann: Browser, method: str, site: str | None, origin: str | None, status: int
) -> None:
    form = hidden(ann.get("/settings").text) | {"language": "en", "back": "/settings"}
    named = {"sec-fetch-site": site, "origin": origin}
    headers = {name: value for name, value in named.items() if value is not None}
    path = "/settings" if method == "GET" else "/settings/look"
    data = None if method == "GET" else form
    answer = ann.client.request(method, path, headers=headers, data=data, follow_redirects=False)
    assert answer.status_code == status


def test_the_event_stream_needs_a_page_of_ours(ann: Browser) -> None:
    for headers in ({}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "cross-site"}):
        assert ann.client.get("/live", headers=headers).status_code == 403


def test_nothing_is_shown_without_a_session(ann: Browser) -> None:
    ann.client.cookies.clear()
    for path in ("/", "/settings", "/nothing", "/live"):
        answer = ann.client.get(path, headers=SENT_BY_BROWSERS)
        assert answer.status_code == 401
        assert "weal open" in answer.text


@pytest.mark.parametrize("token", [None, "", "0" * 32, "ü"])
def test_a_form_without_the_session_s_token_does_nothing(ann: Browser, token: str | None) -> None:
    ann.get("/settings", language="en")
    form = {"language": "zh", "back": "/settings"} | (
        {} if token is None else {"form_token": token}
    )
    headers = SENT_BY_BROWSERS | {"origin": URL}
    answer = ann.client.post("/settings/look", data=form, headers=headers, follow_redirects=False)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_form_of_another_session_does_nothing(garden: Path, ann: Browser) -> None:
    with browser(garden) as other:
        foreign = hidden(other.get("/settings").text)
    assert ann.post("/settings/look", foreign | {"language": "zh"}).status_code == 403


def test_a_form_is_taken_up_to_its_limit(ann: Browser) -> None:
    ann.get("/settings")
    size = len("&".join(f"{name}={value}" for name, value in hidden(ann.page.text).items()))
    fill = FORM_BYTES_MAX - size - len("&language=en&back=%2Fsettings&fill=")
    form = {"language": "en", "back": "/settings", "fill": "x" * fill}
    assert ann.post("/settings/look", form).status_code == 200
    form["fill"] += "x"
    assert ann.post("/settings/look", form).status_code == 413


def test_a_body_that_is_longer_than_it_says_is_cut(ann: Browser) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(FORM_BYTES_MAX // 1024 + 1):
            yield b"x" * 1024

    headers = SENT_BY_BROWSERS | {"origin": URL}
    assert ann.client.post("/settings/look", content=parts(), headers=headers).status_code == 413
    headers |= {"content-length": "-5"}
    assert ann.client.post("/settings/look", headers=headers).status_code == 413


def test_the_door_reads_little(ann: Browser) -> None:
    headers = SENT_BY_BROWSERS | {"origin": URL}
    form = {"token": "x" * (ENTRY_BYTES_MAX - len("token="))}
    assert ann.client.post("/enter", data=form, headers=headers).status_code == 403
    form["token"] += "x"
    assert ann.client.post("/enter", data=form, headers=headers).status_code == 413


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_what_is_no_form_does_nothing(ann: Browser, kind: str) -> None:
    headers = SENT_BY_BROWSERS | {"origin": URL, "content-type": kind}
    answer = ann.client.post("/settings/look", content=b"{}", headers=headers)
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize("charset", ["unicode_escape", "UTF-16", "latin-1", '"utf-7"', ""])
def test_a_form_in_another_encoding_is_no_form(ann: Browser, charset: str) -> None:
    part = '--x\r\ncontent-disposition: form-data; name="form_token"\r\n\r\n\\ud800\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    headers = SENT_BY_BROWSERS | {"origin": URL, "content-type": kind}
    assert ann.client.post("/settings/look", content=part, headers=headers).status_code == 400
    headers["content-type"] = kind.replace(f"charset={charset}", "charset=UTF-8")
    assert ann.client.post("/settings/look", content=part, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/", "/settings", "/nothing", "/enter", "/assets/x/page.css"])
def test_every_answer_carries_the_headers_that_guard_it(ann: Browser, path: str) -> None:
    answers = [
        ann.get(path),
        ann.get(path, host="evil.example"),
        ann.client.get(path, headers={"sec-fetch-site": "cross-site"}),
    ]
    for answer in answers:
        for name, value in HEADERS:
            assert answer.headers.get_list(name.decode()) == [value.decode()]
        assert "'unsafe" not in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
