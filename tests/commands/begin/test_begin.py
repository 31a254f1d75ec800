"""Making a home, founding, joining, and the errors on that way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from commonweal.commands.terminal import options
from commonweal.protocol.errors import DiskFull
from commonweal.protocol.identity.identity import inception_from_entropy
from commonweal.protocol.identity.phrase import entropy_from_phrase
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs.log_store import Store
from tests.builders.weal import founder, good, member, weal


def secret(folder: Path, text: str = "open sesame\n") -> Path:
    path = folder / "passphrase"
    path.write_text(text, encoding="utf-8")
    return path


def words_in(shown: str) -> str:
    numbered = [line.split() for line in shown.splitlines() if line.startswith("  ")]
    return " ".join(word for line in numbered for word in line if not word.isdigit())


def test_init_shows_the_words_that_are_the_member(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = good("init", "--home", home, "--name", "Ann", "--no-passphrase")
    words = words_in(ran.out)
    assert len(words.split()) == 24
    entropy = entropy_from_phrase(words)
    status = good("status", "--home", home, "-o", "json").json
    assert inception_from_entropy(entropy).member.hex() == status["member"]
    assert "weal found" in ran.out
    assert status["state"] == "no-community"


def test_init_for_scripts_says_what_was_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = good("init", "--home", home, "--name", "Ann", "--no-passphrase", "-o", "json")
    assert sorted(ran.json) == ["device", "home", "member", "words"]
    assert ran.json["home"] == str(home)


@pytest.mark.parametrize(
    ("language", "locale"), [("zh", "C.UTF-8"), (None, "zh_CN.UTF-8")], ids=["asked", "spoken"]
)
def test_words_are_chinese_where_that_is_read(
    language: str | None, locale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", locale)
    more = ["--language", language] if language else []
    ran = good("init", "--home", tmp_path, "--name", "安", "--no-passphrase", "-o", "json", *more)
    assert len(ran.json["words"].split()) == 24
    assert all("\u4e00" <= word <= "\u9fff" for word in ran.json["words"].split())
    entropy_from_phrase(ran.json["words"])


def test_a_home_is_made_once(tmp_path: Path) -> None:
    home = member(tmp_path / "home")
    before = (home / "keystore").read_bytes()
    ran = weal("init", "--home", home, "--name", "Bo", "--no-passphrase")
    assert ran.code == 78
    assert (home / "keystore").read_bytes() == before
    assert "words" not in ran.out


def test_a_home_and_its_secrets_are_private(tmp_path: Path) -> None:
    home = member(tmp_path / "home")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in ("keystore", "ledger.db"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\nb", "\x1b[2J", "a\u202eb"])
def test_a_name_is_a_visible_word(name: str, tmp_path: Path) -> None:
    ran = weal("init", "--home", tmp_path / "home", "--name", name, "--no-passphrase")
    assert ran.code == 65
    assert not (tmp_path / "home").exists()
    home = member(tmp_path / "other")
    assert weal("found", name, "--home", home).code == 65


def test_nobody_is_asked_for_a_passphrase_in_a_script(tmp_path: Path) -> None:
    ran = weal("init", "--home", tmp_path / "home", "--name", "Ann")
    assert ran.code == 77
    assert "--no-passphrase" in ran.err
    assert not (tmp_path / "home").exists()


def test_a_passphrase_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, file = tmp_path / "home", secret(tmp_path)
    good("init", "--home", home, "--name", "Ann", "--passphrase-file", file)
    assert keystore.needs_passphrase(home / "keystore")
    assert weal("found", "Garden", "--home", home).code == 77
    monkeypatch.setenv("COMMONWEAL_PASSPHRASE", "wrong")
    wrong = weal("found", "Garden", "--home", home)
    assert wrong.code == 77
    assert "does not open" in wrong.err
    monkeypatch.setenv("COMMONWEAL_PASSPHRASE", "open sesame")
    good("found", "Garden", "--home", home)
    monkeypatch.delenv("COMMONWEAL_PASSPHRASE")
    good("record", "work", "1", "hour", "--home", home, "--passphrase-file", file)
    monkeypatch.setenv("COMMONWEAL_PASSPHRASE_FILE", str(file))
    good("record", "work", "1", "hour", "--home", home)
    assert good("ledger", "--home", home, "-o", "json").json["total"] == 2


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"", b"\n"])
def test_a_passphrase_file_that_cannot_be_read_is_told(
    content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "passphrase"
    if content is not None:
        file.write_bytes(content)
    home = tmp_path / "home"
    ran = weal("init", "--home", home, "--name", "Ann", "--passphrase-file", file)
    assert ran.code == 2
    assert not (home / "ledger.db").exists()


def test_whoever_types_is_asked_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    good("init", "--home", home, "--name", "Ann", "--passphrase-file", secret(tmp_path))
    monkeypatch.setattr(options, "is_typed", lambda: True)
    answers = iter(["one", "two", "open sesame"])
    monkeypatch.setattr(options, "ask_passphrase", lambda: next(answers))
    good("found", "Garden", "--home", home)
    answers = iter(["one", "two", "three", "open sesame"])
    assert weal("record", "work", "1", "hour", "--home", home).code == 77


def test_a_disk_that_is_full_leaves_no_half_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_store: Store) -> None:
        raise DiskFull("database or disk is full")

    home = tmp_path / "home"
    with monkeypatch.context() as patched:
        patched.setattr(Store, "commit", full)
        ran = weal("init", "--home", home, "--name", "Ann", "--no-passphrase")
        assert ran.code == 73
        assert "The disk is full" in ran.err
        assert ran.out == ""
    member(home)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "commit", full)
        assert weal("found", "Garden", "--home", home).code == 73
    assert good("status", "--home", home, "-o", "json").json["state"] == "no-community"


def test_a_home_is_in_one_community(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    ran = weal("found", "Other", "--home", home)
    assert ran.code == 78
    assert "already" in ran.err


@pytest.mark.parametrize(
    "typed",
    [
        ["ledger"],
        ["members"],
        ["record", "work", "1", "hour"],
        ["show", "abcdef"],
        ["invite", "create"],
        ["invite", "list"],
        ["device", "list"],
        ["device", "add"],
    ],
    ids=" ".join,
)
def test_without_a_community_the_way_in_is_told(typed: list[str], tmp_path: Path) -> None:
    ran = weal(*typed, "--home", member(tmp_path / "home"))
    assert ran.code == 78
    assert "weal found" in ran.err
    missing = weal(*typed, "--home", tmp_path / "nowhere")
    assert missing.code == 78
    assert "weal start" in missing.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("typed", [["ledger"], ["status"], ["record", "work", "1", "hour"]])
def test_a_home_of_a_newer_version_is_named(typed: list[str], tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    with Home(home).store() as store:
        store.change("PRAGMA user_version = 99")
        store.commit()
    ran = weal(*typed, "--home", home)
    assert ran.code == 78
    assert "newer version" in ran.err


def test_a_second_writer_waits_and_then_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commonweal.client.home import submit

    home = founder(tmp_path / "home")
    monkeypatch.setattr(submit, "WAIT_SECONDS_MAX", 0.1)
    with Home(home).lock():
        ran = weal("record", "work", "1", "hour", "--home", home)
    assert ran.code == 78
    assert str(os.getpid()) in ran.err
    assert "weal down" in ran.err


def test_no_secret_is_written_beside_the_keystore(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    found = keystore.unlock(home / "keystore", None)
    assert found.member_entropy is not None
    for path in home.iterdir():
        if path.name != "keystore":
            data = path.read_bytes()
            assert found.device_seed not in data
            assert found.member_entropy not in data


@pytest.mark.parametrize("name", ["cooperative", "open-source", "time-bank", "value-network"])
def test_a_community_begins_with_the_rules_of_a_template(tmp_path: Path, name: str) -> None:
    home = member(tmp_path / "home")
    good("found", "Lanxi", "--rules", name, "--home", home)
    shown = good("rules", "show", "--home", home, "-o", "json").json
    assert shown["name"] == "Lanxi"
    assert shown["document"]["governance"], "the template's rules are not there"


def test_a_community_begins_with_the_rules_of_a_file_or_not_at_all(tmp_path: Path) -> None:
    home = member(tmp_path / "home")
    rules = tmp_path / "rules.toml"
    rules.write_text('name = "x"\n[value.work]\npoints = "event.nothing"\n')
    assert weal("found", "Lanxi", "--rules", rules, "--home", home).code == 65
    assert weal("found", "Lanxi", "--rules", tmp_path / "none", "--home", home).code != 0
    assert good("status", "--home", home, "-o", "json").json["state"] == "no-community"
    rules.write_text('name = "x"\n[value.work]\npoints = "event.effort"\nen = "a"\nzh = "b"\n')
    good("found", "Lanxi", "--rules", rules, "--home", home)
    shown = good("rules", "show", "--home", home, "-o", "json").json["document"]
    assert shown["value"]["work"]["points"] == "event.effort"
