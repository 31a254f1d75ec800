"""The file that `weal backup` writes: a tar with what a home cannot do without.

Three members with fixed names, in this order: the keystore, the ledger, and `sums`, which
names the size and SHA-256 of the others; `config.toml` stands first where there is one, and the
contents that stay in the home, named by their hashes, stand before `sums`.
Reading takes nothing but these names, as plain files, into a folder of its own, and no
file before its sum was compared.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import BadBackup, FileRefused, UnreadableFile
from commonweal.storage.files import sync
from commonweal.storage.home.contents import CONTENTS_MAX, FILE_BYTES_MAX, FILE_NAME, FOLDER

KEYSTORE, LEDGER, CONFIG, SUMS = "keystore", "ledger.db", "config.toml", "sums"
NAMES = (CONFIG, KEYSTORE, LEDGER)
SMALL_BYTES_MAX = 1024 * 1024
"""Everything but the ledger and the contents is shorter."""
LEDGER_BYTES_MAX = 2**63 - 1
"""The ledger has no limit of its own; the disk has."""
CONTENT_NAME = re.compile(rf"{FOLDER}/{FILE_NAME.pattern}")
MEMBERS_MAX = len(NAMES) + CONTENTS_MAX
COPY_BYTES = 1024 * 1024
FORMAT = "commonweal/1/backup"


def pack(files: dict[str, Path], target: Path) -> int:
    """Write `files`, by the names above, to `target`, whole or not at all; return its size.

    The file is its owner's alone. Raises FileRefused when it cannot be written.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            _write(files, file)
            file.flush()
            os.fsync(handle)
            size = file.tell()
        part.replace(target)
        sync(target.parent)
    except OSError as error:
        raise FileRefused(f"{target}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return size


def unpack(source: Path, folder: Path, words: Words = ENGLISH) -> None:
    """Put the files of a backup into `folder`, under their own names.

    Raises UnreadableFile, BadBackup when anything in it is not as it was written, and
    OSError when `folder` does not take it.
    """
    try:
        file = source.open("rb")
    except OSError as error:
        raise UnreadableFile(f"{source}: {error.strerror}") from error
    with file, _opened(file, source, words) as archive:
        sums, members = _read(archive, folder, source, words)
    if sums != members or not {KEYSTORE, LEDGER} <= members.keys():
        raise BadBackup(words("{path}: a part of it is missing or changed").format(path=source))


def _write(files: dict[str, Path], file: IO[bytes]) -> None:
    sums = {}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in (*NAMES, *sorted(files.keys() - set(NAMES))):
            if name in files:
                with files[name].open("rb") as content:
                    size = os.fstat(content.fileno()).st_size
                    archive.addfile(_member(name, size), content)
                    content.seek(0)
                    sums[name] = [size, hashlib.file_digest(content, "sha256").hexdigest()]
        data = json.dumps({"format": FORMAT, "files": sums}, sort_keys=True).encode()
        archive.addfile(_member(SUMS, len(data)), io.BytesIO(data))


def _read(
    archive: tarfile.TarFile, folder: Path, source: Path, words: Words
) -> tuple[dict[str, list[object]], dict[str, list[object]]]:
    """Return the sums that the backup names, and those of the files put into `folder`."""
    members: dict[str, list[object]] = {}
    for member in archive:
        is_content = CONTENT_NAME.fullmatch(member.name) is not None
        if not (is_content or member.name in (*NAMES, SUMS)) or member.name in members:
            break
        if member.type != tarfile.REGTYPE or member.issparse():
            break
        if member.size > _bytes_max(member.name) or len(members) >= MEMBERS_MAX:
            break
        content = archive.extractfile(member)
        assert content is not None, "a plain file has content"
        if member.name == SUMS:
            return _sums(content.read(SMALL_BYTES_MAX), source, words), members
        digest, path = hashlib.sha256(), folder / member.name
        if is_content:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            while part := content.read(COPY_BYTES):
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(handle)
        members[member.name] = [member.size, digest.hexdigest()]
    raise BadBackup(words("{path}: it is not one").format(path=source))


def _bytes_max(name: str) -> int:
    if name == LEDGER:
        return LEDGER_BYTES_MAX
    return FILE_BYTES_MAX if name.startswith(f"{FOLDER}/") else SMALL_BYTES_MAX


def _sums(data: bytes, source: Path, words: Words) -> dict[str, list[object]]:
    try:
        match json.loads(data):
            case {"format": found, "files": dict(sums)} if found == FORMAT:
                return sums
            case {"format": str()}:
                raise BadBackup(words("{path}: of a newer version").format(path=source))
    except (ValueError, RecursionError):
        pass
    raise BadBackup(words("{path}: it is not one").format(path=source))


@contextmanager
def _opened(file: IO[bytes], source: Path, words: Words) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BadBackup(words("{path}: it is not one").format(path=source)) from error


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info
