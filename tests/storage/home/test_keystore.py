"""Keystore: opened by its owner alone, whole or refused by name, and never half written."""

from __future__ import annotations

import copy
import errno
import logging
import os
import pickle
import random
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from commonweal.protocol import codec
from commonweal.protocol.errors import (
    CommonwealError,
    KeystoreDamaged,
    KeystoreExists,
    KeystoreExposed,
    KeystoreMissing,
    KeystoreTooCostly,
    KeystoreTooNew,
    PassphraseNeeded,
    StorageError,
    UnusablePassphrase,
    WrongPassphrase,
)
from commonweal.protocol.keys import KEYSTORE, hash32
from commonweal.storage.home import keystore
from commonweal.storage.home.keystore import COST_MAX, COST_MIN, Cost, Secrets

TINY = COST_MIN
DEVICE, MEMBER = bytes(range(100, 132)), bytes(range(200, 232))
BOTH = Secrets(DEVICE, MEMBER)
PASSPHRASE = "correct horse"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keystore"


@pytest.fixture
def protected(path: Path) -> Path:
    keystore.create(path, BOTH, PASSPHRASE, cost=TINY)
    return path


@pytest.fixture
def plain(path: Path) -> Path:
    keystore.create(path, BOTH, None)
    return path


@pytest.mark.parametrize("secrets", [BOTH, Secrets(DEVICE)])
@pytest.mark.parametrize("passphrase", [PASSPHRASE, "口令 🌱", "\udcff", None])
def test_what_is_kept_is_read_back(path: Path, secrets: Secrets, passphrase: str | None) -> None:
    keystore.create(path, secrets, passphrase, cost=TINY)
    assert keystore.unlock(path, passphrase) == secrets
    assert keystore.needs_passphrase(path) is (passphrase is not None)
    assert path.stat().st_mode & 0o7777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_passphrase_hides_the_secrets_and_none_does_not(path: Path, tmp_path: Path) -> None:
    keystore.create(path, BOTH, PASSPHRASE, cost=TINY)
    open_path = tmp_path / "plain"
    keystore.create(open_path, BOTH, None)
    for secret in (DEVICE, MEMBER):
        assert secret not in path.read_bytes()
        assert secret in open_path.read_bytes()
    assert PASSPHRASE.encode() not in path.read_bytes()


def test_a_passphrase_is_the_same_however_it_is_composed(path: Path) -> None:
    keystore.create(path, BOTH, "caf\u00e9", cost=TINY)
    assert keystore.unlock(path, "cafe\u0301") == BOTH


def test_two_keystores_of_the_same_secrets_share_no_salt_or_nonce(tmp_path: Path) -> None:
    values: list[Any] = []
    for name in ("one", "two"):
        keystore.create(tmp_path / name, BOTH, PASSPHRASE, cost=TINY)
        values.append(codec.decode((tmp_path / name).read_bytes()))
    for field in ("salt", "nonce", "box"):
        assert values[0][field] != values[1][field]


@pytest.mark.usefixtures("usual_cost")
def test_the_usual_cost_is_not_small(path: Path) -> None:
    keystore.create(path, BOTH, PASSPHRASE)
    assert _value(path)["kdf"] == {"name": "argon2id", "passes": 3, "memory": 256 << 20}
    assert keystore.unlock(path, PASSPHRASE) == BOTH


def test_a_wrong_passphrase_changes_nothing(protected: Path) -> None:
    before = protected.read_bytes()
    for wrong in ("Correct horse", "correct horse ", "x"):
        with pytest.raises(WrongPassphrase):
            keystore.unlock(protected, wrong)
        with pytest.raises(WrongPassphrase):
            keystore.change_passphrase(protected, wrong, "new", cost=TINY)
    with pytest.raises(PassphraseNeeded):
        keystore.unlock(protected, None)
    assert protected.read_bytes() == before


@pytest.mark.parametrize("bad", ["", "x" * 1025, "\ud800"])
def test_what_cannot_be_a_passphrase_is_refused(path: Path, bad: str) -> None:
    with pytest.raises(UnusablePassphrase):
        keystore.create(path, BOTH, bad, cost=TINY)
    assert list(path.parent.iterdir()) == []


def test_a_changed_passphrase_opens_and_the_old_one_does_not(protected: Path) -> None:
    keystore.change_passphrase(protected, PASSPHRASE, "new", cost=TINY)
    assert keystore.unlock(protected, "new") == BOTH
    with pytest.raises(WrongPassphrase):
        keystore.unlock(protected, PASSPHRASE)
    keystore.change_passphrase(protected, "new", None)
    assert keystore.unlock(protected, None) == BOTH
    keystore.change_passphrase(protected, None, "again", cost=TINY)
    assert keystore.unlock(protected, "again") == BOTH
    assert protected.stat().st_mode & 0o7777 == 0o600


def test_a_keystore_is_never_overwritten_by_a_new_one(protected: Path, tmp_path: Path) -> None:
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    before = protected.read_bytes()
    for taken in (protected, dangling):
        with pytest.raises(KeystoreExists):
            keystore.create(taken, Secrets(MEMBER), None)
    assert protected.read_bytes() == before


def test_a_missing_keystore_is_named(path: Path) -> None:
    with pytest.raises(KeystoreMissing, match=str(path)):
        keystore.unlock(path, None)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601, 0o666, 0o777])
def test_a_keystore_that_others_can_reach_is_not_opened(protected: Path, mode: int) -> None:
    protected.chmod(mode)
    for open_ in (
        lambda: keystore.unlock(protected, PASSPHRASE),
        lambda: keystore.change_passphrase(protected, PASSPHRASE, None),
        lambda: keystore.needs_passphrase(protected),
    ):
        with pytest.raises(KeystoreExposed, match=f"chmod 600 {protected}"):
            open_()
    protected.chmod(0o400)
    assert keystore.unlock(protected, PASSPHRASE) == BOTH


def test_a_loose_umask_does_not_open_the_keystore_to_others(path: Path) -> None:
    before = os.umask(0)
    try:
        keystore.create(path, BOTH, None)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("passphrase", [PASSPHRASE, None])
def test_a_keystore_cut_short_anywhere_is_damaged(path: Path, passphrase: str | None) -> None:
    keystore.create(path, BOTH, passphrase, cost=TINY)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(KeystoreDamaged):
            keystore.unlock(path, passphrase)


@pytest.mark.parametrize("passphrase", [PASSPHRASE, None])
def test_a_flip_of_any_byte_is_damage(path: Path, passphrase: str | None) -> None:
    keystore.create(path, BOTH, passphrase, cost=TINY)
    data = path.read_bytes()
    for place in range(len(data)):
        for mask in (0x01, 0x80, 0xFF):
            spoiled = bytearray(data)
            spoiled[place] ^= mask
            path.write_bytes(spoiled)
            with pytest.raises(KeystoreDamaged) as caught:
                keystore.unlock(path, passphrase)
            _assert_no_secret(caught.value)


def _value(path: Path) -> dict[str, Any]:
    value = codec.decode(path.read_bytes())
    assert isinstance(value, dict)
    return value


def _rewrite(path: Path, **fields: codec.Value) -> None:
    """Write other fields with a checksum that is right, as a forger would."""
    body = {**_value(path), **fields}
    del body["check"]
    path.write_bytes(codec.encode({**body, "check": hash32(KEYSTORE, codec.encode(body))}))


def _kdf(**fields: codec.Value) -> dict[str, codec.Value]:
    return {"name": "argon2id", "passes": 1, "memory": 8192, **fields}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"version": 2}, KeystoreTooNew),
        ({"version": 2, "kdf": "unheard"}, KeystoreTooNew),
        ({"version": 0}, KeystoreDamaged),
        ({"version": "1"}, KeystoreDamaged),
        ({"version": True}, KeystoreDamaged),
        ({"kdf": _kdf(memory=2**40)}, KeystoreTooCostly),
        ({"kdf": _kdf(memory=COST_MAX.memory_bytes + 1)}, KeystoreTooCostly),
        ({"kdf": _kdf(memory=-1)}, KeystoreTooCostly),
        ({"kdf": _kdf(memory=0)}, KeystoreTooCostly),
        ({"kdf": _kdf(passes=2**31)}, KeystoreTooCostly),
        ({"kdf": _kdf(passes=COST_MAX.passes + 1)}, KeystoreTooCostly),
        ({"kdf": _kdf(passes=0)}, KeystoreTooCostly),
        ({"kdf": _kdf(passes=2)}, WrongPassphrase),
        ({"kdf": _kdf(name="scrypt")}, KeystoreDamaged),
        ({"kdf": _kdf(memory="8192")}, KeystoreDamaged),
        ({"kdf": _kdf(passes=True)}, KeystoreDamaged),
        ({"kdf": _kdf(more=1)}, KeystoreDamaged),
        ({"kdf": {}}, KeystoreDamaged),
        ({"kdf": 7}, KeystoreDamaged),
        ({"kdf": None}, KeystoreDamaged),
        ({"kdf": None, "salt": b"", "nonce": b""}, KeystoreDamaged),
        ({"salt": b""}, KeystoreDamaged),
        ({"salt": bytes(16)}, WrongPassphrase),
        ({"nonce": bytes(23)}, KeystoreDamaged),
        ({"nonce": bytes(24)}, WrongPassphrase),
        ({"box": b""}, WrongPassphrase),
        ({"box": bytes(100)}, WrongPassphrase),
        ({"box": "text"}, KeystoreDamaged),
        ({"more": 1}, KeystoreDamaged),
    ],
)
def test_a_forged_field_is_refused_by_name(
    protected: Path, fields: dict[str, codec.Value], error: type[CommonwealError]
) -> None:
    _rewrite(protected, **fields)
    with pytest.raises(error) as caught:
        keystore.unlock(protected, PASSPHRASE)
    _assert_no_secret(caught.value)


_GOOD: dict[str, codec.Value] = {"device_seed": DEVICE, "member_entropy": MEMBER}


@pytest.mark.parametrize(
    "inside",
    [
        None,
        [],
        {},
        {"device_seed": DEVICE},
        {**_GOOD, "device_seed": DEVICE[:31]},
        {**_GOOD, "device_seed": None},
        {**_GOOD, "member_entropy": b""},
        {**_GOOD, "member_entropy": MEMBER + b"\0"},
        {**_GOOD, "member_entropy": 1},
        {**_GOOD, "more": 1},
    ],
)
def test_a_box_without_proper_secrets_is_damaged(plain: Path, inside: codec.Value) -> None:
    _rewrite(plain, box=codec.encode(inside))
    with pytest.raises(KeystoreDamaged, match="not to secrets") as caught:
        keystore.unlock(plain, None)
    _assert_no_secret(caught.value)
    _rewrite(plain, box=codec.encode(_GOOD))
    assert keystore.unlock(plain, None) == BOTH


JUNK = [b"", b"\x80", b"\xc0", b"\x90", bytes(5000), random.Random(64).randbytes(64)]


@pytest.mark.parametrize("data", JUNK)
def test_a_file_that_is_no_keystore_is_damaged(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(KeystoreDamaged):
        keystore.unlock(path, None)


def test_what_is_no_file_is_not_waited_for(path: Path, tmp_path: Path) -> None:
    os.mkfifo(path, 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for odd in (path, tmp_path / "folder"):
        with pytest.raises(KeystoreDamaged, match="not a file"):
            keystore.unlock(odd, None)


@pytest.mark.parametrize("call", ["os.fsync", "os.fchmod", "os.open", "pathlib.Path.replace"])
def test_a_disk_that_refuses_leaves_the_old_keystore(
    protected: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = protected.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(call, _raise(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(StorageError, match="No space left"):
            keystore.change_passphrase(protected, PASSPHRASE, "new", cost=TINY)
    assert protected.read_bytes() == before
    assert list(protected.parent.iterdir()) == [protected]
    assert keystore.unlock(protected, PASSPHRASE) == BOTH


def test_a_crash_before_the_rename_leaves_the_old_keystore(
    protected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = protected.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr("pathlib.Path.replace", _raise(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            keystore.change_passphrase(protected, PASSPHRASE, "new", cost=TINY)
    assert protected.read_bytes() == before
    draft = protected.with_name("keystore.new")
    assert draft.stat().st_mode & 0o7777 == 0o600
    keystore.change_passphrase(protected, PASSPHRASE, "new", cost=TINY)
    assert keystore.unlock(protected, "new") == BOTH
    assert not draft.exists()


def test_file_then_name_then_folder_reach_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    keystore.create(path, BOTH, None)
    assert steps == ["file", "rename", "folder"]


def test_a_planted_link_is_not_written_through(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path.with_name("keystore.new").symlink_to(victim)
    keystore.create(path, BOTH, None)
    assert victim.read_text() == "mine"
    assert not path.is_symlink()


def test_a_missing_folder_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        keystore.create(tmp_path / "none" / "keystore", BOTH, None)


def test_secrets_do_not_show_themselves(protected: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert repr(BOTH) == str(BOTH) == "Secrets(device, member)"
    assert repr(Secrets(DEVICE)) == "Secrets(device)"
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            copied(BOTH)
    wrong = "hunter2 hunter2"
    with pytest.raises(WrongPassphrase) as caught:
        keystore.unlock(protected, wrong)
    _assert_no_secret(caught.value)
    assert wrong not in "".join(traceback.format_exception(caught.value))
    keystore.unlock(protected, PASSPHRASE)
    assert caplog.text == ""


def test_the_file_keeps_its_golden_bytes(path: Path) -> None:
    keystore.create(path, BOTH, "口令", cost=Cost(1, 8192), random=lambda n: bytes(range(n)))
    golden = Path(__file__).parents[2] / "vectors" / "keystore_v1.hex"
    assert path.read_bytes().hex() == golden.read_text().strip()
    path.write_bytes(bytes.fromhex(golden.read_text()))
    assert keystore.unlock(path, "口令") == BOTH


def _raise(error: BaseException) -> Callable[..., NoReturn]:
    def call(*_args: object, **_kwargs: object) -> NoReturn:
        raise error

    return call


def _assert_no_secret(error: BaseException) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error.args)
    for secret in (DEVICE, MEMBER):
        assert secret.hex() not in shown
        assert repr(secret)[2:20] not in shown
    assert PASSPHRASE not in shown
