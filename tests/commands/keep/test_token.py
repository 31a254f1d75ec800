"""`weal token`: what other programs may do is made, listed and ended; only hashes are kept."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.home.submit import now_ms
from commonweal.client.keep import access_tokens
from commonweal.client.keep.access_tokens import TOKEN_DAYS_MAX, TOKENS_MAX, AccessTokens
from commonweal.storage.home.home import Home
from commonweal.storage.home.tokens import FILE_BYTES_MAX, FILE_NAME, TokenFile
from tests.builders.weal import founder, good, weal


@pytest.fixture
def ann(tmp_path: Path) -> Path:
    return founder(tmp_path / "ann")


def made(home: Path, *options: str) -> str:
    """Make a token by the command; return it."""
    token = good("token", "create", *options, "--home", home, "-o", "json").json["token"]
    assert isinstance(token, str)
    return token


def scope_of(home: Path, token: str) -> str | None:
    with AccessTokens(home) as me:
        kept = me.token_allows(token)
    return None if kept is None else kept.scope


def test_a_token_is_shown_once_and_only_its_hash_is_kept(ann: Path) -> None:
    shown = good("token", "create", "--name", "the till", "--home", ann)
    token = shown.out.strip()
    assert len(token) == 5 + 43, "256 bits in base64"
    kept = ann / FILE_NAME
    assert token[5:] not in kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    (row,) = good("token", "list", "--home", ann, "-o", "json").json["tokens"]
    assert (row["name"], row["scope"], row["state"]) == ("the till", "read", "open")
    assert token[5:] not in json.dumps(row)
    assert row["id"] in shown.err
    assert "the till" in good("token", "list", "--home", ann).out


def test_a_token_allows_its_scope_until_it_ends(ann: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = made(ann, "--scope", "write", "--expires", "12h")
    other = made(ann)
    assert (scope_of(ann, token), scope_of(ann, other)) == ("write", "read")
    assert scope_of(ann, token[:-1]) is None
    assert scope_of(ann, "") is None
    end_ms = now_ms() + 12 * 3_600_000
    monkeypatch.setattr(access_tokens, "now_ms", lambda: end_ms)
    assert scope_of(ann, token) is None
    assert scope_of(ann, other) == "read"
    rows = good("token", "list", "--home", ann, "-o", "json").json["tokens"]
    assert [row["state"] for row in rows] == ["expired", "open"]
    made(ann)
    assert len(good("token", "list", "--home", ann, "-o", "json").json["tokens"]) == 2


def test_a_scope_contains_those_before_it(ann: Path) -> None:
    allowed = {}
    for scope in ("read", "write", "grave"):
        made(ann, "--scope", scope)
        kept = TokenFile(Home(ann)).tokens()[-1]
        allowed[scope] = [wanted for wanted in ("read", "write", "grave") if kept.allows(wanted)]
    assert allowed == {
        "read": ["read"],
        "write": ["read", "write"],
        "grave": ["read", "write", "grave"],
    }


def test_a_token_that_is_revoked_is_good_for_nothing(ann: Path) -> None:
    token, other = made(ann), made(ann)
    first = good("token", "list", "--home", ann, "-o", "json").json["tokens"][0]["id"]
    assert good("token", "revoke", first, "--home", ann, "-o", "json").json == {"id": first}
    assert (scope_of(ann, token), scope_of(ann, other)) == (None, "read")
    assert weal("token", "revoke", first, "--home", ann).code == 65


def test_a_grave_token_needs_the_passphrase(tmp_path: Path) -> None:
    home, words = tmp_path / "bo", tmp_path / "words"
    words.write_text("right horse\n", "utf-8")
    good("init", "--home", home, "--name", "Bo", "--passphrase-file", words)
    made(home, "--scope", "write")
    refused = weal("token", "create", "--scope", "grave", "--home", home)
    assert refused.code == 77
    words.write_text("wrong horse\n", "utf-8")
    options = ("--scope", "grave", "--passphrase-file", str(words))
    assert weal("token", "create", *options, "--home", home).code == 77
    assert len(TokenFile(Home(home)).tokens()) == 1
    words.write_text("right horse\n", "utf-8")
    assert scope_of(home, made(home, *options)) == "grave"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--expires", f"{TOKEN_DAYS_MAX}d"), 0),
        (("--expires", f"{TOKEN_DAYS_MAX + 1}d"), 2),
        (("--expires", "for ever"), 2),
        (("--scope", "all"), 2),
        (("--name", "\x1b[2J"), 65),
        (("--name", "n" * 2000), 65),
    ],
)
def test_what_a_token_may_not_be(ann: Path, options: tuple[str, ...], code: int) -> None:
    assert weal("token", "create", *options, "--home", ann).code == code
    assert len(TokenFile(Home(ann)).tokens()) == (code == 0)


def test_tokens_are_as_many_as_a_home_has(ann: Path) -> None:
    with Member(ann) as me, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: me.create_token("read"), range(TOKENS_MAX)))
    assert len({token.id for token in TokenFile(Home(ann)).tokens()}) == TOKENS_MAX
    refused = weal("token", "create", "--home", ann)
    assert (refused.code, f"there are {TOKENS_MAX} tokens" in refused.err) == (2, True)


def test_no_token_is_made_where_no_home_is(tmp_path: Path) -> None:
    assert weal("token", "create", "--home", tmp_path / "none").code == 78
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "content", ["{", "[1]", '[{"id": "a"}]', "null", "[" * 10_000, " " * (FILE_BYTES_MAX + 1)]
)
def test_a_file_that_cannot_be_read_lets_nobody_in(ann: Path, content: str) -> None:
    token = made(ann)
    (ann / FILE_NAME).write_text(content, "utf-8")
    for typed in (("list",), ("create",), ("revoke", "x")):
        assert weal("token", *typed, "--home", ann).code == 78
    assert weal("token", "list", "--home", ann).err.count(FILE_NAME) == 1
    assert token[5:] not in weal("token", "list", "--home", ann).err


@pytest.mark.parametrize("mode", [0o640, 0o602])
def test_a_file_that_others_can_reach_lets_nobody_in(ann: Path, mode: int) -> None:
    made(ann)
    (ann / FILE_NAME).chmod(mode)
    assert weal("token", "list", "--home", ann).code == 78


def test_a_link_in_its_place_is_not_followed(ann: Path, tmp_path: Path) -> None:
    (ann / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    assert weal("token", "create", "--home", ann).code == 73
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "elsewhere").write_text("[]", "utf-8")
    assert weal("token", "list", "--home", ann).code == 78
