"""The door of the page: tokens, cookies and sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from commonweal.web.application import create_application
from commonweal.web.security import entry, sessions
from commonweal.web.security.entry import EntryTokens, new_token
from commonweal.web.security.sessions import IDLE_MS_MAX, SESSIONS_MAX, Sessions
from tests.builders.browser import KEY, PORT, SENT_BY_BROWSERS, URL, browser, entered
from tests.builders.weal import founder

NOW_MS = 1_800_000_000_000


def test_a_token_lets_in_once_within_its_minute() -> None:
    doors, token = EntryTokens(KEY), new_token(KEY, NOW_MS)
    assert doors.take(token, NOW_MS + 60_000)
    assert not doors.take(token, NOW_MS + 60_000)
    assert not EntryTokens(KEY).take(token, NOW_MS + 60_001)
    assert not EntryTokens(KEY).take(token, NOW_MS - 1)


def test_a_token_of_another_process_or_a_made_up_one_does_not_let_in() -> None:
    doors, token = EntryTokens(KEY), new_token(KEY, NOW_MS)
    assert not EntryTokens(bytes(31) + b"x").take(token, NOW_MS)
    for wrong in ("", "x", "é", token[:-1], token + "AA", token.swapcase(), "A" * len(token)):
        assert not doors.take(wrong, NOW_MS)
    assert doors.take(f" {token}\n", NOW_MS)


def test_tokens_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "USED_MAX", 3)
    doors = EntryTokens(KEY)
    taken = [doors.take(new_token(KEY, NOW_MS), NOW_MS) for _ in range(4)]
    assert taken == [True, True, True, False]
    assert doors.take(new_token(KEY, NOW_MS + 60_001), NOW_MS + 60_001)


def test_the_cookie_is_for_this_home_and_for_no_script(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.client.cookies.clear()
        form = {"token": new_token(KEY)}
        answer = ann.client.post(
            "/enter", data=form, headers=SENT_BY_BROWSERS | {"origin": URL}, follow_redirects=False
        )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{Sessions(home, PORT).cookie_name}=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert Sessions(tmp_path / "bo", PORT).cookie_name != Sessions(home, PORT).cookie_name


def test_a_wrong_token_says_what_to_do(tmp_path: Path) -> None:
    with browser(founder(tmp_path / "ann")) as ann:
        headers = SENT_BY_BROWSERS | {"origin": URL, "accept-language": "zh-CN"}
        ann.client.cookies.clear()
        answer = ann.client.post("/enter", data={"token": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "weal open" in answer.text
    assert 'lang="zh"' in answer.text
    assert "set-cookie" not in answer.headers


def test_a_session_survives_a_new_process_and_ends_after_idle_hours(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, PORT)
    cookie = kept.begin(NOW_MS)
    assert kept.of(cookie, NOW_MS + IDLE_MS_MAX)
    again = Sessions(tmp_path, PORT)
    assert again.of(cookie, NOW_MS + IDLE_MS_MAX)
    assert again.of(cookie, NOW_MS + 2 * IDLE_MS_MAX + 1) is None
    assert again.of("made up", NOW_MS) is None
    asking = Sessions(tmp_path, PORT)
    window = asking.begin(NOW_MS)
    assert asking.of(window, NOW_MS + IDLE_MS_MAX, is_used=False)
    assert asking.of(window, NOW_MS + IDLE_MS_MAX + 1) is None
    assert cookie not in (tmp_path / "page-sessions.json").read_text()
    assert (tmp_path / "page-sessions.json").stat().st_mode & 0o777 == 0o600


def test_a_cookie_that_was_sent_to_an_earlier_port_opens_no_page(tmp_path: Path) -> None:
    """Whoever listens where the page was gets the cookies of the windows that are still open."""
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        cookies = dict(ann.client.cookies)

    def settings_at(port: int) -> int:
        application: Any = create_application(home, port, EntryTokens(KEY))
        url = f"http://127.0.0.1:{port}"
        with TestClient(application, base_url=url, cookies=cookies) as client:
            return client.get("/settings", headers=SENT_BY_BROWSERS).status_code

    assert settings_at(PORT) == 200
    assert settings_at(PORT + 1) == 401
    assert settings_at(PORT) == 401, "they came back with the port"


def test_of_too_many_sessions_the_oldest_ends(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, PORT)
    cookies = [kept.begin(NOW_MS + number) for number in range(SESSIONS_MAX + 1)]
    assert len(kept) == SESSIONS_MAX
    assert kept.of(cookies[0], NOW_MS) is None
    assert all(kept.of(cookie, NOW_MS) for cookie in cookies[1:])


@pytest.mark.parametrize(
    "written",
    [
        *("", "{", "[]", json.dumps({"a": NOW_MS})),
        *(f'{{"port": {PORT}, "used_ms": {kept}}}' for kept in ("null", "[]", '{"a": "b"}')),
    ],
)
def test_a_broken_file_of_sessions_lets_nobody_in(tmp_path: Path, written: str) -> None:
    (tmp_path / "page-sessions.json").write_text(written)
    assert Sessions(tmp_path, PORT).of("a", NOW_MS) is None


def test_leaving_and_sending_out_end_sessions(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        name = Sessions(home, PORT).cookie_name
        first = ann.client.cookies[name]
        ann.client.cookies.clear()
        other = entered(ann.client)
        assert "2 browsers are let in." in other.get("/settings", language="en").text
        other.post("/settings/end-others")
        assert "1 other browser was sent out." in other.page.text
        own = other.client.cookies[name]
        other.client.cookies.clear()
        other.client.cookies.set(name, first)
        assert other.get("/settings").status_code == 401
        other.client.cookies.clear()
        other.client.cookies.set(name, own)
        other.get("/settings")
        other.post("/exit")
        assert other.get("/settings").status_code == 401


def test_notices_are_bounded() -> None:
    session = sessions.Session("key", "token")
    for number in range(20):
        session.notify(str(number))
    assert session.take_notices() == [str(number) for number in range(12, 20)]
    assert session.take_notices() == []
