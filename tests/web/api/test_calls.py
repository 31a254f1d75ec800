"""Who may call the API, and the one shape of what it refuses."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.contributions.contributions import CONTENT_BYTES_MAX
from commonweal.client.home.submit import now_ms
from commonweal.client.keep import access_tokens
from commonweal.client.keep.access_tokens import AccessTokens
from commonweal.protocol import errors
from commonweal.protocol.errors import CommonwealError
from commonweal.web.api import bodies
from commonweal.web.api.answers import STATUSES, answer, code_of, status_of
from commonweal.web.api.application import ERRORS
from commonweal.web.api.bodies import BODY_BYTES_MAX
from commonweal.web.api.calls import ANSWERS_MAX, KEY_CHARS_MAX, KeptAnswers
from commonweal.web.api.parameters import NAME_CHARS_MAX
from commonweal.web.api.routes.contributions import IDS_MAX
from tests.builders import own_loop
from tests.builders.api_calls import API, Caller, calling, token_of

WORK = {"action": "work", "quantity": "3", "unit": "hours"}


def code(given: Any) -> tuple[int, str]:
    """Return status and code of a refusal, after its shape was checked."""
    (error,) = given.json().values()
    assert error.keys() == {"code", "message", "hint"}
    assert error["message"]
    return given.status_code, error["code"]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        "Bearer weal_nobody",
        "Bearer \x7f",
        "Basic {token}",
        "{token}",
        "Bearer {token}x",
        "Bearer {token} x",
    ],
)
def test_without_a_token_nothing_is_told(caller: Caller, sent: str | None) -> None:
    token = caller.headers["Authorization"].removeprefix("Bearer ")
    headers = {} if sent is None else {"Authorization": sent.format(token=token)}
    for path in ("/status", "/contributions", "/members"):
        given = caller.client.get(API + path, headers=headers)
        assert code(given) == (401, "unauthorized")
        assert given.headers["www-authenticate"] == "Bearer"
    given = caller.client.post(f"{API}/contributions", json=WORK, headers=headers)
    assert given.status_code == 401
    assert caller.get("/contributions")["total"] == 0


def test_the_cookie_of_the_page_is_no_token(caller: Caller) -> None:
    application: Any = caller.client.app
    sessions = application._sessions
    caller.client.cookies.set(sessions.cookie_name, sessions.begin(now_ms()))
    assert code(caller.client.get(f"{API}/status")) == (401, "unauthorized")


def test_a_token_that_expired_or_was_revoked(
    home: Path, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert caller.try_get("/status").status_code == 200
    with AccessTokens(home) as tokens:
        (listed,) = tokens.access_tokens()
        monkeypatch.setattr(access_tokens, "now_ms", lambda: listed.expires_ms)
        assert code(caller.try_get("/status")) == (401, "unauthorized")
        monkeypatch.setattr(access_tokens, "now_ms", lambda: listed.expires_ms - 1)
        assert caller.try_get("/status").status_code == 200
        tokens.revoke_token(listed.id)
    assert code(caller.try_get("/status")) == (401, "unauthorized")


@pytest.mark.parametrize("scope", ["read", "write", "grave"])
def test_each_scope_allows_what_it_says(home: Path, scope: str) -> None:
    with calling(home, scope) as caller:
        assert caller.try_get("/status").status_code == 200
        write, grave = caller.try_post("/contributions", WORK), caller.try_post("/keys")
        leave = caller.try_post("/leave", {"passphrase": "of nobody"})
    may_write, is_grave = scope != "read", scope == "grave"
    assert code(write) == (403, "scope_too_small") if not may_write else write.status_code == 201
    assert code(grave) == (403, "scope_too_small") if not is_grave else grave.status_code == 200
    assert is_grave or code(leave) == (403, "scope_too_small")


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.:4999", "weal.localhost:4999"]
)
def test_another_host_is_not_answered(caller: Caller, host: str) -> None:
    given = caller.try_get("/status", headers={"Host": host})
    assert code(given) == (421, "wrong_host")


def test_no_page_of_another_origin_may_read(caller: Caller) -> None:
    given = caller.try_get("/status", headers={"Origin": "https://example.org"})
    assert not [name for name in given.headers if name.startswith("access-control")]
    asked = caller.client.options(
        f"{API}/contributions",
        headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"},
    )
    assert code(asked) == (405, "method_not_allowed")
    assert not [name for name in asked.headers if name.startswith("access-control")]


def test_a_body_has_a_largest_size(caller: Caller) -> None:
    headers = caller.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    url = f"{API}/contributions"
    text = '{"action": "work", "quantity": "3", "unit": "hours"'
    fits = text + " " * (BODY_BYTES_MAX - len(text) - 1) + "}"
    assert code(caller.client.post(url, content=fits + " ", headers=headers)) == (413, "too_large")

    def parts() -> Iterator[bytes]:
        for start in range(0, len(fits) + 1, 4096):
            yield (fits + " ").encode()[start : start + 4096]

    assert code(caller.client.post(url, content=parts(), headers=headers)) == (413, "too_large")
    assert caller.get("/contributions")["total"] == 0
    assert caller.client.post(url, content=fits, headers=headers).status_code == 201


def test_a_body_has_a_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS_MAX", 0.01)
    sent: list[Any] = []

    async def never(*_values: Any) -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    own_loop.run(bodies.BoundedBodies(never)(scope, never, send))
    assert sent[0]["status"] == 408
    assert b"too_slow" in sent[1]["body"]


@pytest.mark.parametrize(
    "body",
    [
        {**WORK, "quantity": 3},
        {**WORK, "quantty": "3"},
        {"action": "work"},
        {**WORK, "note": "n" * 100_000},
        [],
        None,
        "work",
    ],
)
def test_a_body_that_does_not_fit(caller: Caller, body: Any) -> None:
    assert code(caller.try_post("/contributions", body)) == (422, "unreadable_request")


@pytest.mark.parametrize("content", [b"{", b'{"a": \xff}', b"[" * 100_000, b'"\\ud800"'])
def test_a_body_that_is_no_json(caller: Caller, content: bytes) -> None:
    headers = caller.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    given = caller.client.post(f"{API}/contributions", content=content, headers=headers)
    assert code(given) in ((400, "unreadable_request"), (422, "unreadable_request"))


@pytest.mark.parametrize("key", [None, "", "a b", "k" * (KEY_CHARS_MAX + 1)])
def test_a_write_needs_a_key(caller: Caller, key: str | None) -> None:
    headers = caller.headers | ({} if key is None else {"Idempotency-Key": key})
    given = caller.client.post(f"{API}/contributions", json=WORK, headers=headers)
    assert code(given) == (422, "unreadable_request")
    assert "Idempotency-Key" in given.json()["error"]["hint"]
    assert caller.try_post("/contributions", WORK, "k" * KEY_CHARS_MAX).status_code == 201


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/nothing", 404, "no_such_path"),
        ("/records/0123", 404, "unknown_id"),
        ("/records/xyz", 422, "unreadable_request"),
        ("/contributions?member=nobody", 404, "unknown_id"),
        ("/contributions?limit=0", 422, "unreadable_request"),
        ("/contributions?limit=1001", 422, "unreadable_request"),
        ("/contributions?since=when", 400, "unreadable_time"),
        ("/members?cursor=x", 400, "usage_error"),
        ("/members?cursor=WyJ4Il0", 400, "usage_error"),
        ("/peers", 503, "not_reachable"),
    ],
)
def test_what_cannot_be_answered(caller: Caller, path: str, status: int, named: str) -> None:
    assert code(caller.try_get(path)) == (status, named)


def test_refusals_are_in_the_language_that_is_asked_for(caller: Caller) -> None:
    id = caller.post("/contributions", WORK)["id"]
    for language, word in (("zh-CN,en;q=0.5", "自己"), ("en", "themselves"), ("fr", "themselves")):
        given = caller.try_post("/attests", {"ids": [id]}, headers={"Accept-Language": language})
        assert code(given) == (422, "would_not_count")
        assert word in given.json()["error"]["hint"]


KINDS = [
    kind
    for name in errors.__all__
    if issubclass(kind := getattr(errors, name), CommonwealError) and kind is not CommonwealError
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_status_of_the_document(kind: type[CommonwealError]) -> None:
    error = kind.__new__(kind)
    assert status_of(error) in ERRORS
    assert code_of(kind) != code_of(kind.__base__ or CommonwealError)


def test_no_status_is_hidden_by_one_before_it() -> None:
    for place, (kind, _) in enumerate(STATUSES):
        assert not [before for before, _ in STATUSES[:place] if issubclass(kind, before)]


def test_what_breaks_is_told_without_its_cause(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_values: Any, **_named: Any) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(AccessTokens, "token_allows", broken)
    with calling(home) as caller:
        caller.client._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
        given = caller.try_get("/status")
    assert code(given) == (500, "broken")
    assert "secret" not in given.text


def test_tokens_do_not_share_keys(home: Path, caller: Caller) -> None:
    first = caller.post("/contributions", WORK, "k")
    caller.headers = {"Authorization": f"Bearer {token_of(home)}"}
    assert caller.post("/contributions", WORK, "k") != first
    assert caller.get("/contributions")["total"] == 2


def test_as_many_answers_are_kept_as_are_said() -> None:
    kept = KeptAnswers()
    for number in range(ANSWERS_MAX + 1):
        kept.keep(str(number), b"", answer(number))
    assert kept.find("0", b"") is None
    for number in (1, ANSWERS_MAX):
        given = kept.find(str(number), b"")
        assert given is not None and given.body == str(number).encode()


def test_requests_at_the_same_time_are_one(caller: Caller) -> None:
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda _: caller.try_post("/contributions", WORK, "k"), range(8)))
    assert {answered.status_code for answered in given} <= {200, 201}
    assert len({answered.json()["id"] for answered in given}) == 1
    assert caller.get("/contributions")["total"] == 1


def base64_of(size: int) -> str:
    """Return so many bytes in base64."""
    return b64encode(b"x" * size).decode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"file": {"name": "a.txt", "base64": base64_of(CONTENT_BYTES_MAX)}}, 201),
        (
            {
                "file": {
                    "name": "a.txt",
                    "base64": base64_of(CONTENT_BYTES_MAX + 1),
                }
            },
            413,
        ),
        ({"file": {"name": "../../a.txt", "base64": "eA=="}}, 201),
        ({"file": {"name": "..", "base64": "eA=="}}, 201),
        ({"file": {"name": "a\0/b", "base64": "eA=="}}, 201),
        ({"file": {"name": "a." * 128, "base64": "eA=="}}, 201),
        ({"file": {"name": "a" * (NAME_CHARS_MAX + 1), "base64": "eA=="}}, 422),
        ({"file": {"name": "a.txt", "base64": "?"}}, 400),
        ({"file": {"name": "a.txt", "base64": "eA=="}, "note": "both"}, 400),
        ({"note": "n" * CONTENT_BYTES_MAX}, 201),
        ({"note": "n" * (CONTENT_BYTES_MAX + 1)}, 400),
        ({"scope": "s" * (NAME_CHARS_MAX + 1)}, 422),
        ({"settles": ["0"] * (IDS_MAX + 1)}, 422),
    ],
)
def test_what_goes_with_a_contribution_has_a_size(
    caller: Caller, body: dict[str, Any], status: int
) -> None:
    given = caller.try_post("/contributions", WORK | body)
    assert given.status_code == status, given.text
    assert caller.get("/contributions")["total"] == (status == 201)


def test_as_many_are_attested_at_once_as_are_said(caller: Caller) -> None:
    for number, status in ((IDS_MAX, 404), (IDS_MAX + 1, 422), (0, 422)):
        assert caller.try_post("/attests", {"ids": ["0123"] * number}).status_code == status
