"""The keystore: the file with a device's secrets, written completely or not at all.

It is one canonical map `{box, check, kdf, nonce, salt, version}`. With a passphrase, `box` is a
SecretBox under an Argon2id key. Without one, `kdf` is nil and `box` is plain, protected by its mode
0600 alone. `check` is a hash of the other fields, so that damage and a wrong passphrase can be
told apart; later versions must keep it. No error, repr or log entry contains a secret.
"""

from __future__ import annotations

import contextlib
import os
import stat
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from commonweal.protocol import codec
from commonweal.protocol.errors import (
    KeystoreDamaged,
    KeystoreExists,
    KeystoreExposed,
    KeystoreMissing,
    KeystoreTooCostly,
    KeystoreTooNew,
    Malformed,
    PassphraseNeeded,
    StorageError,
    UnusablePassphrase,
    WrongPassphrase,
)
from commonweal.protocol.keys import KEYSTORE, SEED_BYTES, hash32
from commonweal.storage.files import sync
from commonweal.storage.home import hardening

VERSION = 1
FILE_BYTES_MAX = 4096
MODE = 0o600
PASSPHRASE_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one try of a passphrase: Argon2id passes and bytes of memory."""

    passes: int
    memory_bytes: int


MODERATE = Cost(argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE)
"""libsodium's MODERATE: 3 passes over 256 MiB, under a second."""

COST_MIN = Cost(argon2id.OPSLIMIT_MIN, argon2id.MEMLIMIT_MIN)
COST_MAX = Cost(argon2id.OPSLIMIT_SENSITIVE * 4, argon2id.MEMLIMIT_SENSITIVE)
"""A file that asks for more is refused before memory is allocated: 16 passes, 1 GiB."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Secrets of a device: its 32-byte seed, and the member's 32-byte entropy.

    member_entropy: None on a device that another device enrolled. A process that creates a
    `Secrets` writes no core file from then on.
    """

    device_seed: bytes
    member_entropy: bytes | None = None

    def __post_init__(self) -> None:
        hardening.forbid_core_and_debugger()
        assert len(self.device_seed) == SEED_BYTES
        assert self.member_entropy is None or len(self.member_entropy) == SEED_BYTES

    def __repr__(self) -> str:
        return "Secrets(device)" if self.member_entropy is None else "Secrets(device, member)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled or copied")


def create(
    path: Path,
    secrets: Secrets,
    passphrase: str | None,
    *,
    cost: Cost = MODERATE,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
    """Write a new keystore at `path`; without a passphrase only its mode protects it.

    Raises KeystoreExists, UnusablePassphrase, or StorageError when the disk refuses.
    """
    if os.path.lexists(path):
        raise KeystoreExists(str(path))
    _replace(path, _seal(secrets, passphrase, cost, random))


def unlock(path: Path, passphrase: str | None) -> Secrets:
    """Return the secrets in the keystore at `path`; a plain one needs no passphrase.

    Raises KeystoreMissing, KeystoreExposed, KeystoreDamaged, KeystoreTooNew,
    KeystoreTooCostly, PassphraseNeeded or WrongPassphrase.
    """
    file = _read(path)
    if file.cost is None:
        return _parse_secrets(file.box, path)
    if passphrase is None:
        raise PassphraseNeeded(str(path))
    key = _stretch(passphrase, file.salt, file.cost)
    try:
        plain = SecretBox(key).decrypt(file.box, file.nonce)
    except CryptoError:
        raise WrongPassphrase(str(path)) from None
    return _parse_secrets(plain, path)


def change_passphrase(
    path: Path,
    old: str | None,
    new: str | None,
    *,
    cost: Cost = MODERATE,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
    """Protect the keystore at `path` by `new` instead of `old`; None: no passphrase.

    The old file stays until the new one is durable. Raises what `unlock` and `create` raise.
    """
    _replace(path, _seal(unlock(path, old), new, cost, random))


def change_member(
    path: Path,
    passphrase: str | None,
    entropy: bytes,
    *,
    cost: Cost = MODERATE,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
    """Replace the entropy of the member's key at `path` by that of their new key.

    The old file stays until the new one is durable. Raises what `unlock` and `create` raise.
    """
    secrets = Secrets(unlock(path, passphrase).device_seed, entropy)
    _replace(path, _seal(secrets, passphrase, cost, random))


def needs_passphrase(path: Path) -> bool:
    """Whether a passphrase protects the keystore at `path`. Raises what `unlock` raises."""
    return _read(path).cost is not None


@dataclass(frozen=True, slots=True, repr=False)
class _File:
    cost: Cost | None
    salt: bytes
    nonce: bytes
    box: bytes


_FIELDS = {"box", "kdf", "nonce", "salt"}


def _seal(
    secrets: Secrets, passphrase: str | None, cost: Cost, random: Callable[[int], bytes]
) -> bytes:
    plain = codec.encode(
        {"device_seed": secrets.device_seed, "member_entropy": secrets.member_entropy}
    )
    if passphrase is None:
        return _to_bytes(_File(None, b"", b"", plain))
    salt, nonce = random(argon2id.SALTBYTES), random(SecretBox.NONCE_SIZE)
    box = SecretBox(_stretch(passphrase, salt, cost)).encrypt(plain, nonce).ciphertext
    return _to_bytes(_File(cost, salt, nonce, box))


def _parse_secrets(plain: bytes, path: Path) -> Secrets:
    with contextlib.suppress(Malformed):
        value = codec.decode(plain)
        if isinstance(value, dict) and value.keys() == {"device_seed", "member_entropy"}:
            match value["device_seed"], value["member_entropy"]:
                case bytes(device), None if len(device) == SEED_BYTES:
                    return Secrets(device)
                case bytes(device), bytes(member) if len(device) == len(member) == SEED_BYTES:
                    return Secrets(device, member)
    raise KeystoreDamaged(f"{path}: it opened, but not to secrets")


def _to_bytes(file: _File) -> bytes:
    kdf: codec.Value = None
    if file.cost is not None:
        kdf = {"memory": file.cost.memory_bytes, "name": "argon2id", "passes": file.cost.passes}
    body: dict[str, codec.Value] = {
        "box": file.box,
        "kdf": kdf,
        "nonce": file.nonce,
        "salt": file.salt,
        "version": VERSION,
    }
    return codec.encode({**body, "check": hash32(KEYSTORE, codec.encode(body))})


def _read(path: Path) -> _File:
    """Return the file at `path`, after its checksum, version and fields are checked."""
    data = _read_private(path)
    try:
        value = codec.decode(data)
    except Malformed:
        raise KeystoreDamaged(f"{path}: not whole") from None
    if not isinstance(value, dict):
        raise KeystoreDamaged(f"{path}: not a keystore")
    check = value.pop("check", None)
    if check != hash32(KEYSTORE, codec.encode(value)):
        raise KeystoreDamaged(f"{path}: its checksum is wrong")
    version = value.pop("version", None)
    if type(version) is int and version > VERSION:
        raise KeystoreTooNew(f"{path}: version {version}")
    if type(version) is int and version == VERSION and value.keys() == _FIELDS:
        match value:
            case {"kdf": None, "salt": b"", "nonce": b"", "box": bytes(box)}:
                return _File(None, b"", b"", box)
            case {"kdf": dict(kdf), "salt": bytes(salt), "nonce": bytes(nonce), "box": bytes(box)}:
                if len(salt) == argon2id.SALTBYTES and len(nonce) == SecretBox.NONCE_SIZE:
                    return _File(_parse_cost(kdf, path), salt, nonce, box)
    raise KeystoreDamaged(f"{path}: a field is wrong")


def _parse_cost(kdf: dict[str, codec.Value], path: Path) -> Cost:
    name, passes, memory_bytes = (kdf.get(field) for field in ("name", "passes", "memory"))
    if (
        len(kdf) != 3
        or name != "argon2id"
        or type(passes) is not int
        or type(memory_bytes) is not int
    ):
        raise KeystoreDamaged(f"{path}: its key derivation is unknown")
    cost = Cost(passes, memory_bytes)
    if not _is_bearable(cost):
        raise KeystoreTooCostly(f"{path}: {passes} passes over {memory_bytes} bytes")
    return cost


def _is_bearable(cost: Cost) -> bool:
    return (
        COST_MIN.passes <= cost.passes <= COST_MAX.passes
        and COST_MIN.memory_bytes <= cost.memory_bytes <= COST_MAX.memory_bytes
    )


def _stretch(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """Return the 32-byte key of a passphrase; NFKD, so that keyboards agree on characters."""
    assert _is_bearable(cost)
    try:
        secret = unicodedata.normalize("NFKD", passphrase).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise UnusablePassphrase("it is not text") from None
    if not 1 <= len(secret) <= PASSPHRASE_BYTES_MAX:
        raise UnusablePassphrase(f"it has 1 to {PASSPHRASE_BYTES_MAX} bytes")
    try:
        return argon2id.kdf(
            SecretBox.KEY_SIZE, secret, salt, opslimit=cost.passes, memlimit=cost.memory_bytes
        )
    except (CryptoError, MemoryError):
        raise KeystoreTooCostly(f"{cost.memory_bytes} bytes of memory are not free") from None


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeystoreMissing(str(path)) from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeystoreDamaged(f"{path}: not a file")
        if status.st_mode & 0o077:
            raise KeystoreExposed(f"run: chmod 600 {path}")
        data = os.read(descriptor, FILE_BYTES_MAX + 1)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > FILE_BYTES_MAX:
        raise KeystoreDamaged(f"{path}: more than {FILE_BYTES_MAX} bytes")
    return data


def _replace(path: Path, data: bytes) -> None:
    """Replace the file at `path` atomically: after a crash it has the old or the new content."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, MODE)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
        sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StorageError(f"{path}: {error.strerror}") from error
