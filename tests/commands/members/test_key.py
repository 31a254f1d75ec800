"""`weal key`: keys that are changed, sponsors, and who comes back by them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.ledger.drafts import Drafts
from commonweal.commands.members import key as key_commands
from commonweal.commands.terminal import options as options_module
from commonweal.node.service.events import Text, Wish
from commonweal.protocol.errors import (
    CommonwealError,
    DiskFull,
    Malformed,
    NotReachable,
    WouldNotCount,
)
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception, inception_from_entropy
from commonweal.protocol.identity.phrase import entropy_from_phrase, phrase_from_entropy
from commonweal.protocol.keys import MemberKey, Signer
from commonweal.protocol.records.record import from_bytes
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes
from tests.builders.weal import Ran, good, weal
from tests.commands.keep.test_restore import admit, words_of

LOG_BYTES = 1 << 24


def share(*places: Home) -> None:
    """Let all homes hold the same records, as their nodes would."""
    for source in places:
        with source.store(readonly=True) as store:
            logs = {
                row.author: store.wires(row.author, 0, row.length, LOG_BYTES)
                for row in store.logs()
            }
            bodies = dict(store.bodies(b"", 1_000))
        for target in places:
            with target.lock(), target.store() as store:
                for author, wires in logs.items():
                    run = [from_bytes(wire) for wire in wires[store.log(author).length :]]
                    if run:
                        store.append(author, run, bodies)
                store.commit()


def community(folder: Path, *names: str) -> list[Home]:
    """Return the homes of a founder and of members that the founder admitted; all hold the same."""
    mei = homes.founder(folder / "mei")
    found = [mei]
    for name in names:
        other = homes.newcomer(folder / name, homes.invited(mei), name)
        admit(mei, other)
        found.append(other)
    share(*found)
    return found


def id_of(home: Home) -> str:
    with home.store(readonly=True) as store:
        return Settings.read(store).member.hex()


def entropy_of(home: Home) -> bytes:
    found = keystore.unlock(home.keystore, None).member_entropy
    assert found is not None
    return found


def restored(place: Path, words: str, link: str) -> Ran:
    typed = ("restore", "--words", "--contact", link, "--home", place, "--no-passphrase")
    return weal(*typed, "-o", "json", answers=words)


def device_link(at: Home, member: str | None = None) -> str:
    more = ("--member", member) if member else ()
    link: str = good("device", "add", *more, "--home", at.path, "-o", "json").json["link"]
    return link


def test_a_changed_key_takes_over_and_the_old_words_enrol_nobody(tmp_path: Path) -> None:
    mei, bo = community(tmp_path, "bo")
    old = words_of(bo.path)
    ran = good("key", "change", "--yes", "--home", bo.path, "-o", "json").json
    assert ran["words"] == words_of(bo.path) != old
    share(mei, bo)
    link = device_link(bo)
    assert links.from_text(link).rekeyed is not None
    assert links.from_text(device_link(mei)).rekeyed is None
    assert links.from_text(device_link(mei, id_of(bo)[:8])).rekeyed is not None
    new, thief = Home(tmp_path / "new"), Home(tmp_path / "thief")
    assert restored(new.path, ran["words"], link).json["member"] == id_of(bo)
    assert restored(thief.path, old, link).json["member"] == id_of(bo)
    share(mei, bo, new, thief)
    listed = good("device", "list", "--member", id_of(bo)[:8], "--home", mei.path, "-o", "json")
    devices = {one["device"] for one in listed.json["devices"]}
    with new.store(readonly=True) as store, thief.store(readonly=True) as other:
        assert Settings.read(store).device.hex() in devices
        assert Settings.read(other).device.hex() not in devices


def test_after_a_change_the_home_goes_on_and_its_backup_is_restored(tmp_path: Path) -> None:
    mei, bo = community(tmp_path, "bo")
    good("backup", tmp_path / "before", "--home", bo.path)
    good("key", "change", "--yes", "--home", bo.path)
    good("key", "change", "--yes", "--home", bo.path)
    good("backup", tmp_path / "after", "--home", bo.path)
    good("restore", tmp_path / "after", "--home", tmp_path / "new")
    new = Home(tmp_path / "new")
    share(mei, bo, new)
    listed = good("device", "list", "--member", id_of(bo)[:8], "--home", mei.path, "-o", "json")
    assert [one["status"] for one in listed.json["devices"]] == ["active", "active"]
    good("restore", tmp_path / "before", "--home", tmp_path / "old")
    share(mei, Home(tmp_path / "old"))
    listed = good("device", "list", "--member", id_of(bo)[:8], "--home", mei.path, "-o", "json")
    standing = sorted(one["status"] for one in listed.json["devices"])
    assert standing == ["active", "active", "revoked"], "the old key enrols nobody more"


def test_a_change_that_is_not_meant_changes_nothing(tmp_path: Path) -> None:
    (mei,) = community(tmp_path)
    before = words_of(mei.path)
    assert weal("key", "change", "--home", mei.path).code == 2
    assert words_of(mei.path) == before
    assert good("status", "--home", mei.path, "-o", "json").json["records"] == 2


def test_a_new_key_is_kept_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mei,) = community(tmp_path)
    old, change = entropy_of(mei), ("key", "change", "--yes", "--home", mei.path, "-o", "json")

    def failing(error: CommonwealError) -> Callable[..., None]:
        def fail(*_about: Any, **_more: Any) -> None:
            raise error

        return fail

    for where, name, error in (
        (keystore, "change_member", DiskFull("no room")),
        (Drafts, "write", WouldNotCount("refused")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, failing(error))
            assert weal(*change).code == error.exit_code
        assert good("status", "--home", mei.path, "-o", "json").json["records"] == 2
        assert entropy_of(mei) == old
    with monkeypatch.context() as patch:
        patch.setattr(Drafts, "write", failing(NotReachable("it may be written")))
        assert weal(*change).code == 69
    assert entropy_of(mei) != old


def test_a_device_with_the_old_key_is_told_so(tmp_path: Path) -> None:
    mei, bo = community(tmp_path, "bo")
    old = entropy_of(bo)
    good("key", "change", "--yes", "--home", bo.path)
    keystore.change_member(bo.keystore, None, old)
    for typed in (("key", "change", "--yes"), ("key", "sponsors", id_of(mei)[:8])):
        ran = weal(*typed, "--home", bo.path)
        assert ran.code == 77
        assert "holds the old one" in ran.err


def lost_and_found(folder: Path) -> tuple[list[Home], dict[str, str]]:
    """Return five homes, of which Bo named three sponsors, and the words and code of a new key."""
    found = community(folder, "bo", "ann", "cai", "dee")
    _mei, bo, ann, cai, dee = found
    names = [id_of(one)[:8] for one in (ann, cai, dee)]
    ran = good("key", "sponsors", *names, "--home", bo.path, "-o", "json").json
    assert ran["needed"] == 2
    share(*found)
    fresh: dict[str, str] = good("key", "new", "-o", "json").json
    return found, fresh


def test_who_lost_his_words_comes_back_by_two_of_three_sponsors(tmp_path: Path) -> None:
    found, fresh = lost_and_found(tmp_path)
    mei, bo, ann, cai, _dee = found
    others = [home for home in found if home is not bo]
    give = ("key", "give", id_of(bo)[:8], fresh["code"], "--yes", "-o", "json", "--home")
    first = good(*give, ann.path).json
    assert (first["said"], first["needed"]) == (1, 2)
    share(*others)
    assert links.from_text(device_link(mei, id_of(bo))).rekeyed is None
    assert good(*give, cai.path).json["said"] == 2
    share(*others)
    new = Home(tmp_path / "new")
    ran = restored(new.path, fresh["words"], device_link(mei, id_of(bo)))
    assert ran.json["member"] == id_of(bo)
    share(*others, new)
    listed = good("device", "list", "--member", id_of(bo), "--home", mei.path, "-o", "json").json
    assert len([one for one in listed["devices"] if one["status"] == "active"]) == 2


def test_who_is_no_sponsor_gives_nobody_a_key(tmp_path: Path) -> None:
    found, fresh = lost_and_found(tmp_path)
    mei, bo, ann, *_ = found
    for home, receiver in ((mei, bo), (bo, bo), (ann, mei)):
        ran = weal("key", "give", id_of(receiver)[:8], fresh["code"], "--yes", "--home", home.path)
        assert ran.code == 77
        assert "did not name you" in ran.err
    assert weal("key", "give", id_of(bo)[:8], fresh["code"], "--home", ann.path).code == 2
    for code in ("", "weal-key:", fresh["code"][:-4], "weal://x", "\x1b[2J"):
        ran = weal("key", "give", id_of(bo)[:8], code, "--yes", "--home", ann.path)
        assert ran.code == 65
        assert "\x1b" not in ran.err


def test_sponsors_are_listed_and_taken_back(tmp_path: Path) -> None:
    found, _fresh = lost_and_found(tmp_path)
    _, bo, ann, *_ = found
    ran = good("key", "sponsors", "--home", bo.path, "-o", "json").json
    assert ran["needed"] == 2
    assert id_of(ann) in [one["member"] for one in ran["sponsors"]]
    assert "2 of them together" in good("key", "sponsors", "--home", bo.path).out
    good("key", "sponsors", "--none", "--home", bo.path)
    assert "nobody can help you" in good("key", "sponsors", "--home", bo.path).out


@pytest.mark.parametrize("typed", [["--none", "x"], ["--needed", "9"], ["--needed", "0"]])
def test_sponsors_that_make_no_sense_are_refused(typed: list[str], tmp_path: Path) -> None:
    mei, bo = community(tmp_path, "bo")
    assert weal("key", "sponsors", id_of(bo)[:8], *typed, "--home", mei.path).code == 2
    assert weal("key", "sponsors", id_of(mei)[:8], "--home", mei.path).code == 2
    assert weal("key", "sponsors", id_of(bo)[:8], "--needed", "2", "--home", mei.path).code == 2


def test_who_is_called_like_anothers_id_is_not_taken_for_him(tmp_path: Path) -> None:
    mei, bo_home, eve = community(tmp_path, "Bo", "Eve")
    bo = id_of(bo_home)
    record = ("record", "work", "1", "hour", "--home", mei.path, "--receiver")
    for name in (bo[:8], f"?{bo[:8]}", bo):
        homes.write(eve, Wish("member.profile", {}, (), Text("text/plain", name.encode())))
        share(mei, bo_home, eve)
        for typed in (
            record,
            ("remove", "--yes", "--home", mei.path),
            ("balance", "--home", mei.path),
        ):
            ran = weal(*typed, name)
            if name == bo:
                assert ran.code == 0, ran
            else:
                assert (ran.code, bo[:16] in ran.err) == (65, True), ran
        good(*record, bo)
        row = good("ledger", "--home", mei.path, "-o", "json").json["records"][0]
        assert row["receiver"] == bo, "a whole id is no name"
    assert weal("remove", "--home", mei.path, "").code == 65


def test_new_words_and_their_code_belong_together() -> None:
    fresh = good("key", "new", "--language", "zh", "-o", "json").json
    entropy = entropy_from_phrase(fresh["words"])
    assert key_rotation.key_from_text(fresh["code"]) == inception_from_entropy(entropy)
    assert len(phrase_from_entropy(entropy).split()) == 24
    other = good("key", "new", "-o", "json").json
    assert other["words"] != fresh["words"]


def test_a_code_that_lost_or_changed_a_character_is_refused() -> None:
    text = key_rotation.key_to_text(inception_from_entropy(bytes(32)))
    assert key_rotation.key_from_text(f" {text[:30]}\n{text[30:]} ") == inception_from_entropy(
        bytes(32)
    )
    for at in range(len(text) - 1):  # the last character has bits that say nothing
        other = "A" if text[at] != "A" else "B"
        for changed in (text[:at] + text[at + 1 :], text[:at] + other + text[at + 1 :]):
            with pytest.raises(Malformed):
                key_rotation.key_from_text(changed)


def test_the_code_of_the_largest_document_is_read() -> None:
    signers = sorted(MemberKey(Signer(bytes([n]) * 32).key) for n in range(16))
    largest = Inception(tuple(signers), 16, bytes(32))
    assert key_rotation.key_from_text(key_rotation.key_to_text(largest)) == largest
    with pytest.raises(CommonwealError):
        key_rotation.key_from_text(key_rotation.key_to_text(largest) + "A" * 1_000)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a try of a passphrase cost little."""
    for function in (keystore.create, keystore.change_passphrase):
        costs = dict(function.__kwdefaults__ or {}, cost=keystore.COST_MIN)
        monkeypatch.setattr(function, "__kwdefaults__", costs)


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_is_set_changed_and_taken_away(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "mei")
    before = keystore.unlock(home.keystore, None)
    files = {}
    for name in ("one", "two"):
        files[name] = tmp_path / name
        files[name].write_text(f"{name} sesame\n", "utf-8")
    change = ("key", "passphrase", "--home", home.path)
    good(*change, "--new-passphrase-file", files["one"])
    old = ("--passphrase-file", files["one"])
    ran = good(*change, *old, "--new-passphrase-file", files["two"], "-o", "json")
    assert ran.json == {"protected": True}
    assert weal("record", "work", "1", "hour", *old, "--home", home.path).code == 77
    new = ("--passphrase-file", files["two"])
    good("record", "work", "1", "hour", *new, "--home", home.path)
    good(*change, *new, "--no-passphrase")
    after = keystore.unlock(home.keystore, None)
    assert (after.device_seed, after.member_entropy) == (before.device_seed, before.member_entropy)


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_that_cannot_be_changed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = homes.founder(tmp_path / "mei")
    keystore.change_passphrase(home.keystore, None, "open sesame", cost=keystore.COST_MIN)
    kept = home.keystore.read_bytes()
    right, wrong, empty = (tmp_path / name for name in ("right", "wrong", "empty"))
    right.write_text("open sesame\n", "utf-8")
    wrong.write_text("open barley\n", "utf-8")
    empty.write_text("\n", "utf-8")
    for options, code in (
        (("--passphrase-file", wrong, "--no-passphrase"), 77),
        (("--passphrase-file", right), 77),
        (("--passphrase-file", right, "--new-passphrase-file", empty), 2),
        (("--passphrase-file", right, "--new-passphrase-file", tmp_path / "nowhere"), 2),
        (("--new-passphrase-file", right), 77),
        (("--new-passphrase-file", right, "--no-passphrase"), 2),
    ):
        ran = weal("key", "passphrase", *options, "--home", home.path)
        assert (ran.code, ran.out) == (code, ""), (options, ran)
        assert home.keystore.read_bytes() == kept
    hidden = iter(["open sesame", "new sesame", "other sesame", "new sesame", "new sesame"])
    for module in (options_module, key_commands):
        monkeypatch.setattr(module, "is_typed", lambda: True)
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _prompt: next(hidden))
    ran = good("key", "passphrase", "--home", home.path)
    assert keystore.unlock(home.keystore, "new sesame").member_entropy is not None
    assert "sesame" not in ran.out + ran.err
