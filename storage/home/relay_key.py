"""The key of a relay, in a file of its own: a relay is no member and has no home.

The file holds 64 hexadecimal digits, and only its owner may read it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from commonweal.protocol.errors import RelayKeyUnusable, StorageError
from commonweal.storage.files import PRIVATE_MODE, sync

SEED_BYTES = 32
_TEXT_BYTES = 2 * SEED_BYTES + 1


def seed_of_relay(path: Path) -> bytes:
    """Return the 32-byte seed in this file, which is made when it is missing.

    Raises RelayKeyUnusable when it holds no key or others may read it, StorageError when it can
    be neither read nor made.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    try:
        return _made(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise RelayKeyUnusable(f"{path}: not a file")
        if status.st_mode & 0o077:
            raise RelayKeyUnusable(f"others can read it; run: chmod 600 {path}")
        text = os.read(descriptor, _TEXT_BYTES + 1)
    finally:
        os.close(descriptor)
    try:
        seed = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise RelayKeyUnusable(f"{path}: not {2 * SEED_BYTES} hexadecimal digits")
    return seed


def _made(path: Path) -> bytes:
    """Write a new key beside the file, then name it: after a crash it is whole or absent."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    seed = os.urandom(SEED_BYTES)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    descriptor = os.open(draft, flags, PRIVATE_MODE)
    try:
        os.write(descriptor, seed.hex().encode() + b"\n")
        os.fsync(descriptor)
        os.link(draft, path)  # another relay that made one meanwhile keeps its own
    except FileExistsError:
        return _read(path)
    finally:
        os.close(descriptor)
        draft.unlink()
    sync(path.parent)
    return seed
