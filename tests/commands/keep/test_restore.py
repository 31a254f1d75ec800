"""`weal restore`: a home again under a new device, which never continues the lost one's log."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client.community import homes as client_homes
from commonweal.client.keep import archive
from commonweal.client.keep import restoration as restore
from commonweal.commands.keep import restore as restore_commands
from commonweal.protocol.errors import DiskFull
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.identity.phrase import phrase_from_entropy
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.home.keystore import Secrets
from commonweal.storage.records.logs.log_store import Store
from tests.builders import homes
from tests.builders.weal import Ran, founder, good, weal

A_LINK = CommunityLink(
    CommunityId(b"c" * 32), (Contact(PeerKey(b"p" * 32), ("/ip4/10.0.0.1/tcp/4",)),), None
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = founder(tmp_path / "home")
    good("record", "work", "1", "hour", "--home", home)
    return home


def secrets_of(home: Path) -> Secrets:
    return keystore.unlock(home / "keystore", None)


def words_of(home: Path) -> str:
    entropy = secrets_of(home).member_entropy
    assert entropy is not None
    return phrase_from_entropy(entropy)


def settings_of(home: Path) -> Settings:
    with Home(home).store(readonly=True) as store:
        return Settings.read(store)


def from_words(home: Path, words: str, link: CommunityLink | str = A_LINK, *more: str) -> Ran:
    text = link if isinstance(link, str) else links.to_text(link)
    typed = ("restore", "--words", "--contact", text, "--home", home, "--no-passphrase")
    return weal(*typed, *more, answers=words)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_from_a_backup_the_member_is_the_same_and_the_device_new(
    home: Path, tmp_path: Path
) -> None:
    good("backup", tmp_path / "backup", "--home", home)
    new = tmp_path / "new"
    ran = good("restore", tmp_path / "backup", "--home", new, "-o", "json").json
    before, after = settings_of(home), settings_of(new)
    assert ran["member"] == after.member.hex() == before.member.hex()
    assert after.community == before.community
    assert after.device != before.device
    assert after.port != before.port
    assert secrets_of(new).device_seed != secrets_of(home).device_seed
    assert secrets_of(new).member_entropy == secrets_of(home).member_entropy
    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    assert stat.S_IMODE((new / "keystore").stat().st_mode) == 0o600
    assert left_in(new) == {"keystore", "ledger.db"}
    assert left_in(tmp_path) == {"home", "backup", "new"}


def test_the_log_of_the_lost_device_is_never_continued(home: Path, tmp_path: Path) -> None:
    good("backup", tmp_path / "backup", "--home", home)
    new, old = tmp_path / "new", settings_of(home).device
    good("record", "work", "2", "hour", "--home", home)
    good("restore", tmp_path / "backup", "--home", new)
    good("record", "work", "3", "hour", "--home", new)
    with Home(new).store(readonly=True) as store:
        assert store.log(old).length == 3
        assert store.log(settings_of(new).device).length == 2
        mine = store.wires(old, 0, 3, 1 << 20)
    with Home(home).store(readonly=True) as store:
        assert store.wires(old, 0, 3, 1 << 20) == mine
    devices = good("device", "list", "--home", new, "-o", "json").json["devices"]
    assert [(one["status"], one["here"]) for one in devices].count(("active", True)) == 1
    assert len(devices) == 2
    good("verify", "--home", new)


def test_who_is_alone_goes_on_at_once_and_others_wait_for_a_peer(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    good("backup", tmp_path / "alone", "--home", mei.path)
    ran = good("restore", tmp_path / "alone", "--home", tmp_path / "one", "-o", "json")
    assert ran.json["state"] == "member"
    good("record", "work", "1", "hour", "--home", tmp_path / "one")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    admit(mei, bo)
    good("backup", tmp_path / "two", "--home", mei.path)
    ran = good("restore", tmp_path / "two", "--home", tmp_path / "other", "-o", "json")
    assert ran.json["state"] == "awaiting-restore"
    assert weal("record", "work", "1", "hour", "--home", tmp_path / "other").code == 75


def admit(founder: Home, newcomer: Home) -> None:
    """Carry the newcomer's log to the founder, whose node vouches for it."""
    from commonweal.node.service.events import Wish

    with newcomer.store(readonly=True) as store:
        device = Settings.read(store).device
        wires = store.wires(device, 0, 2, 1 << 20)
    from commonweal.protocol.records.record import from_bytes

    run = [from_bytes(wire) for wire in wires]
    with founder.lock(), founder.store() as store:
        store.append(device, run)
        store.commit()
        member = run[0].data["member"]
    homes.write(
        founder, Wish("member.vouch", {"member": member, "request": run[1].id}, (run[1].id,))
    )


def test_the_passphrase_of_the_backup_stays(home: Path, tmp_path: Path) -> None:
    keystore.change_passphrase(home / "keystore", None, "open sesame", cost=keystore.COST_MIN)
    good("backup", tmp_path / "backup", "--home", home)
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text("open sesame\n")
    wrong.write_text("open\n")
    new = tmp_path / "new"
    typed = ("restore", tmp_path / "backup", "--home", new)
    assert weal(*typed).code == 77
    assert weal(*typed, "--passphrase-file", wrong).code == 77
    assert weal(*typed, "--no-passphrase").code == 2
    assert left_in(tmp_path) == {"home", "backup", "secret", "wrong"}
    good(*typed, "--passphrase-file", secret)
    assert keystore.needs_passphrase(new / "keystore")
    assert keystore.unlock(new / "keystore", "open sesame").member_entropy is not None


def test_from_words_the_member_is_the_same_and_waits(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    link = CommunityLink(settings_of(home).here, A_LINK.contacts, None)
    ran = from_words(new, words_of(home), link, "-o", "json")
    assert ran.code == 0, ran
    assert ran.json["state"] == "awaiting-restore"
    assert ran.json["member"] == settings_of(home).member.hex()
    assert ran.json["community"] == settings_of(home).here.hex()
    status = good("status", "--home", new, "-o", "json").json
    assert (status["state"], status["records"]) == ("awaiting-restore", 1)
    with Home(new).store(readonly=True) as store:
        assert [known.peer for known in store.addresses()] == [A_LINK.contacts[0].peer]
    for typed in (("record", "work", "1", "hour"), ("invite", "create")):
        assert weal(*typed, "--home", new).code == 75
    assert good("status", "--home", new, "-o", "json").json["records"] == 1
    assert words_of(new) == words_of(home)
    good("verify", "--home", new)


def test_words_come_from_a_file_or_from_what_is_typed(home: Path, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(words_of(home).replace(" ", "\n").upper())
    text = links.to_text(A_LINK)
    one, two = tmp_path / "one", tmp_path / "two"
    good("restore", "--words-file", words, "--contact", text, "--home", one, "--no-passphrase")
    assert from_words(two, words_of(home)).code == 0
    assert words_of(one) == words_of(two) == words_of(home)
    assert settings_of(one).device != settings_of(two).device


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("is_at_keyboard", [False, True])
def test_the_words_that_init_prints_are_pasted_back(
    language: str, is_at_keyboard: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ("init", "--name", "Ann", "--no-passphrase", "--language", language)
    printed = good(*typed, "--home", tmp_path / "old").out
    table = printed.split("\n\n")[1]
    assert table.split()[0] == "1"
    monkeypatch.setattr(restore_commands, "is_typed", lambda: is_at_keyboard)
    pasted = table if is_at_keyboard else printed[: printed.index("They are not shown")]
    assert from_words(tmp_path / "new", f"{pasted}\n").code == 0
    assert words_of(tmp_path / "new") == words_of(tmp_path / "old")


def test_words_may_be_typed_on_lines_of_their_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_commands, "is_typed", lambda: True)
    words = words_of(home).split()
    ran = from_words(tmp_path / "new", "\n" + "\n".join(word[:4] for word in words) + "\n")
    assert ran.code == 0
    assert "23 words so far" in ran.err + ran.out
    assert words_of(tmp_path / "new") == words_of(home)
    short = from_words(tmp_path / "short", "\n".join(words[:23]) + "\n\n")
    assert (short.code, "23 words were read" in short.err) == (65, True)


SPOILED: dict[str, Callable[[str], str]] = {
    "none": lambda words: "",
    "one too few": lambda words: words.rsplit(" ", 1)[0],
    "one too many": lambda words: words + " abandon",
    "unknown": lambda words: "zzzz " + words.split(" ", 1)[1],
    "changed places": lambda words: "art " + "abandon " * 23,  # fixed: one order in 256 fits
    "endless": lambda words: words * 1000,
    "not text": lambda words: "\x1b[2J" + words,
}


@pytest.mark.parametrize("how", SPOILED)
def test_words_that_are_wrong_make_no_home(how: str, home: Path, tmp_path: Path) -> None:
    ran = from_words(tmp_path / "new", SPOILED[how](words_of(home)))
    assert ran.code == 65
    assert "\x1b" not in ran.err
    assert left_in(tmp_path) == {"home"}


@pytest.mark.parametrize("link", ["", "weal://", "weal://AAAA", "http://x", "\x1b[2J"])
def test_a_contact_that_is_none_makes_no_home(link: str, home: Path, tmp_path: Path) -> None:
    assert from_words(tmp_path / "new", words_of(home), link).code == 65
    assert left_in(tmp_path) == {"home"}


@pytest.mark.parametrize(
    "typed",
    [
        [],
        ["--words"],
        ["file", "--words", "--contact", "weal://x"],
        ["file", "--contact", "weal://x"],
        ["--contact", "weal://x"],
        ["file", "--no-passphrase"],
    ],
    ids=" ".join,
)
def test_what_does_not_go_together_is_refused(typed: list[str], tmp_path: Path) -> None:
    assert weal("restore", *typed, "--home", tmp_path / "new").code == 2
    assert left_in(tmp_path) == set()


def test_a_place_that_is_taken_is_left_as_it_was(home: Path, tmp_path: Path) -> None:
    good("backup", tmp_path / "backup", "--home", home)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = settings_of(home)
    for place in (home, taken, tmp_path / "file"):
        assert weal("restore", tmp_path / "backup", "--home", place).code == 78
        assert from_words(place, words_of(home)).code == 78
    assert settings_of(home) == before
    assert left_in(taken) == {"letter"}
    assert left_in(tmp_path) == {"home", "backup", "taken", "file"}
    (taken / "letter").unlink()
    good("restore", tmp_path / "backup", "--home", taken)
    assert stat.S_IMODE(taken.stat().st_mode) == 0o700


def test_a_restore_that_fails_leaves_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good("backup", tmp_path / "backup", "--home", home)

    def full(*_about: object, **_more: object) -> None:
        raise DiskFull("database or disk is full")

    def broken(*_about: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    faults: list[tuple[object, str, Callable[..., None]]] = [
        (Store, "commit", full),
        (keystore, "create", full),
        (restore, "unpack", broken),
        (Path, "rename", broken),
    ]
    for place, name, fault in faults:
        with monkeypatch.context() as patched:
            patched.setattr(place, name, fault)
            assert weal("restore", tmp_path / "backup", "--home", tmp_path / "new").code == 73
            if name != "unpack":
                assert from_words(tmp_path / "new", words_of(home)).code == 73
        assert left_in(tmp_path) == {"home", "backup"}
    good("restore", tmp_path / "backup", "--home", tmp_path / "new")


def test_a_backup_with_the_keys_of_another_is_refused(home: Path, tmp_path: Path) -> None:
    other = founder(tmp_path / "other", "Eve")
    files = {"keystore": other / "keystore", "ledger.db": home / "ledger.db"}
    archive.pack(files, tmp_path / "backup")
    ran = weal("restore", tmp_path / "backup", "--home", tmp_path / "new")
    assert ran.code == 65
    assert "not those of its member" in ran.err
    assert not (tmp_path / "new").exists()


def test_a_backup_of_a_newer_version_is_refused(home: Path, tmp_path: Path) -> None:
    with Home(home).store() as store:
        store.change("PRAGMA user_version = 99")
        store.commit()
    files = {"keystore": home / "keystore", "ledger.db": home / "ledger.db"}
    archive.pack(files, tmp_path / "backup")
    ran = weal("restore", tmp_path / "backup", "--home", tmp_path / "new")
    assert ran.code == 78
    assert "newer version" in ran.err
    assert not (tmp_path / "new").exists()


def test_a_device_without_the_members_key_restores_nobody(home: Path, tmp_path: Path) -> None:
    seed = secrets_of(home).device_seed
    (home / "keystore").unlink()
    keystore.create(home / "keystore", Secrets(seed), None)
    good("backup", tmp_path / "backup", "--home", home)
    assert weal("restore", tmp_path / "backup", "--home", tmp_path / "new").code == 77
    assert not (tmp_path / "new").exists()


def test_who_was_not_a_member_yet_is_told_to_join_anew(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    good("backup", tmp_path / "backup", "--home", bo.path)
    ran = weal("restore", tmp_path / "backup", "--home", tmp_path / "new")
    assert ran.code == 77
    assert "new invite" in ran.err
    assert not (tmp_path / "new").exists()


def test_a_home_in_no_community_is_restored_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    client_homes.make_home(home, "Ann", None, "en")
    good("backup", tmp_path / "backup", "--home", home.path)
    ran = good("restore", tmp_path / "backup", "--home", tmp_path / "new", "-o", "json")
    assert ran.json["state"] == "no-community"
    good("found", "Garden", "--home", tmp_path / "new")


def test_no_secret_is_said(home: Path, tmp_path: Path) -> None:
    good("backup", tmp_path / "backup", "--home", home)
    spoken: dict[Path, Ran] = {}
    for form in ("text", "json"):
        new, other = tmp_path / f"new {form}", tmp_path / f"other {form}"
        spoken[new] = good("restore", tmp_path / "backup", "--home", new, "-o", form)
        spoken[other] = from_words(other, words_of(home), A_LINK, "-o", form)
    for place, said in spoken.items():
        secrets = secrets_of(place)
        assert secrets.member_entropy is not None
        for secret in (secrets.device_seed.hex(), secrets.member_entropy.hex(), words_of(home)):
            assert secret not in said.out + said.err


# Real nodes.
