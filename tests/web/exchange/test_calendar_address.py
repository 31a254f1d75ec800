"""Private addresses of the calendar: who has one reads it, until it is revoked, and nobody else."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from commonweal.client.keep.access_tokens import AccessTokens
from commonweal.client.keep.calendar_addresses import ADDRESSES_MAX, PATH, CalendarAddresses
from commonweal.protocol.errors import BadSetting, MissingDatabase, UnknownId, UsageError
from commonweal.storage.home.tokens import CALENDAR_FILE_NAME, NEVER_MS
from commonweal.web.application import create_application
from commonweal.web.security.entry import EntryTokens
from tests.builders.browser import KEY, PORT, URL
from tests.builders.calendar_files import kinds_of
from tests.builders.weal import founder, good


@pytest.fixture
def ann(tmp_path: Path) -> Path:
    home = founder(tmp_path / "ann")
    good("invite", "create", "--home", home, "--expires", "7d")
    return home


@pytest.fixture
def program(ann: Path) -> Iterator[TestClient]:
    """A program of this machine: no cookies, and nothing of what browsers send."""
    application: Any = create_application(ann, PORT, EntryTokens(KEY))
    with TestClient(application, base_url=URL, raise_server_exceptions=False) as client:
        yield client


def new(home: Path, shows: str = "full", name: str = "") -> str:
    with CalendarAddresses(home) as addresses:
        return addresses.create_calendar_address(shows, name=name).path


def test_an_address_shows_the_calendar(ann: Path, program: TestClient) -> None:
    answer = program.get(new(ann))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "invite" in kinds_of(answer.text)


def test_an_address_speaks_the_language_that_is_asked_for(ann: Path, program: TestClient) -> None:
    path = new(ann)
    assert "invite ends" in program.get(path).text
    assert "邀请到期" in program.get(path, headers={"accept-language": "zh"}).text


def test_a_busy_address_shows_no_deadline(ann: Path, program: TestClient) -> None:
    text = program.get(new(ann, "busy")).text
    assert "BEGIN:VCALENDAR" in text
    assert "VEVENT" not in text
    assert "ann" not in text.lower().replace("calendar", "")


def test_another_address_is_not_found(ann: Path, program: TestClient) -> None:
    path = new(ann)
    wrong = (f"{path[:-5]}x.ics", path[:-4][:-1], f"{PATH}x", f"{PATH}{'a' * 4000}", f"{path}/x")
    for other in wrong:
        answer = program.get(other)
        assert answer.status_code in (401, 404), other
        assert "VCALENDAR" not in answer.text
    assert program.get(PATH).status_code == 404


def test_a_token_of_the_api_is_no_address_and_the_other_way_round(
    ann: Path, program: TestClient
) -> None:
    with AccessTokens(ann) as tokens:
        token = tokens.create_token("write").token
    assert program.get(f"{PATH}{token}.ics").status_code == 404
    own = new(ann).removeprefix(PATH).removesuffix(".ics")
    answer = program.get("/api/v1/status", headers={"authorization": f"Bearer {own}"})
    assert answer.status_code == 401


def test_an_address_that_was_revoked_shows_nothing(ann: Path, program: TestClient) -> None:
    path, kept = new(ann, name="telephone"), new(ann)
    with CalendarAddresses(ann) as addresses:
        listed = addresses.calendar_addresses()
        assert [(row.name, row.shows) for row in listed] == [("telephone", "full"), ("", "full")]
        addresses.revoke_calendar_address(listed[0].id)
        with pytest.raises(UnknownId):
            addresses.revoke_calendar_address(listed[0].id)
    assert program.get(path).status_code == 404
    assert program.get(kept).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": f"evil.example:{PORT}"}, 421),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "none"}, 200),
    ],
)
def test_other_sites_do_not_get_it(
    ann: Path, program: TestClient, headers: dict[str, str], status: int
) -> None:
    assert program.get(new(ann), headers=headers).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_an_address_is_only_read(ann: Path, program: TestClient, method: str) -> None:
    answer = program.request(method, new(ann), headers={"origin": URL})
    assert answer.status_code in (401, 405)


def test_only_the_hash_of_an_address_is_kept(ann: Path) -> None:
    path = new(ann)
    token = path.removeprefix(PATH).removesuffix(".ics")
    assert len(token) == 5 + 43, "256 bits in base64"
    kept = ann / CALENDAR_FILE_NAME
    assert token[5:] not in kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with CalendarAddresses(ann) as addresses:
        assert addresses.calendar_shown_by(token) == "full"
    assert f"{NEVER_MS}" in kept.read_text("utf-8")


def test_addresses_have_a_limit(ann: Path) -> None:
    for _ in range(ADDRESSES_MAX):
        new(ann)
    with pytest.raises(UsageError):
        new(ann)
    with CalendarAddresses(ann) as addresses:
        addresses.revoke_calendar_address(addresses.calendar_addresses()[0].id)
    new(ann)


def test_what_is_no_address_is_refused(ann: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        new(ann, "all")
    with pytest.raises(UsageError):
        new(ann, name="x" * 1000)
    with pytest.raises(MissingDatabase):
        new(tmp_path / "nothing")
    (ann / CALENDAR_FILE_NAME).write_text('[{"scope": "grave"}]')
    (ann / CALENDAR_FILE_NAME).chmod(0o600)
    with CalendarAddresses(ann) as addresses, pytest.raises(BadSetting):
        addresses.calendar_addresses()


def test_a_fault_of_the_page_does_not_log_the_token(
    ann: Path,
    program: TestClient,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = new(ann)

    def broken(*_: Any, **__: Any) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(
        "commonweal.web.pages.exchange.lending.calendar_address.calendar_bytes", broken
    )
    with caplog.at_level(logging.DEBUG):
        assert program.get(path).status_code == 500
    ours = [text for name, _, text in caplog.record_tuples if name.startswith("commonweal")]
    assert ours == ["GET /calendar/address/ failed"]
