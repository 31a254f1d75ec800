"""Contents: the data of this home's member whose content stays here, a file for each.

A file bears the hash by which a record names the content. It holds `[version, key, name, content]`
with the random key of that hash and the name of the file it came from. Files and folder are their
owner's alone. They are in no database and are never sent: the node seals parts of them to devices
that may read them. Nothing here decides who may.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from commonweal.protocol import codec
from commonweal.protocol.errors import DamagedContent, FileRefused, Malformed, TooManyContents
from commonweal.protocol.records.data_content import (
    CONTENT_BYTES_MAX,
    CONTENT_KEY_BYTES,
    content_hash,
)
from commonweal.storage.files import PRIVATE_MODE, sync
from commonweal.storage.home.home import Home

FOLDER = "contents"
VERSION = 1
CONTENTS_MAX = 500
"""Contents that one home keeps: at most 940 MiB."""
NAME_BYTES_MAX = 255
"""Bytes of the name that is kept beside a content, as file systems allow."""
FILE_BYTES_MAX = CONTENT_BYTES_MAX + CONTENT_KEY_BYTES + NAME_BYTES_MAX + 32
FILE_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, repr=False)
class KeptContent:
    """A content that is kept here. key: of its hash, 32 bytes. name: of the file it came from."""

    key: bytes
    name: str
    content: bytes

    def __repr__(self) -> str:
        return f"KeptContent({len(self.content)} bytes)"

    @property
    def hash(self) -> bytes:
        """The hash by which a record names it."""
        return content_hash(self.key, self.content)


class Contents:
    """The contents of one home."""

    def __init__(self, home: Home) -> None:
        """Name the folder in a home; it may be missing."""
        self.folder = home.path / FOLDER

    def path(self, digest: bytes) -> Path:
        """Return where the content with this hash is kept, if it is."""
        return self.folder / digest.hex()

    def hashes(self) -> list[bytes]:
        """Return the hashes of what is kept, ascending; other files are passed over.

        Raises DamagedContent when the folder cannot be read.
        """
        try:
            names = [entry.name for entry in self.folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise DamagedContent(f"{self.folder}: {error.strerror}") from error
        return sorted(bytes.fromhex(name) for name in names if FILE_NAME.fullmatch(name))

    def holds(self, digest: bytes) -> bool:
        """Whether a file bears this hash; `get` says whether it is whole.

        Raises DamagedContent when the disk does not say.
        """
        try:
            return self.path(digest).is_file()
        except OSError as error:
            raise DamagedContent(f"{self.path(digest)}: {error.strerror}") from error

    def get(self, digest: bytes) -> KeptContent | None:
        """Return the content with this hash; None when it is not kept.

        Raises DamagedContent when the file holds something else, or cannot be read.
        """
        try:
            with self.path(digest).open("rb") as file:
                data = file.read(FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedContent(f"{self.path(digest)}: {error.strerror}") from error
        kept = _read(data)
        if kept is None or kept.hash != digest:
            raise DamagedContent(str(self.path(digest)))
        return kept

    def put(self, kept: KeptContent) -> bytes:
        """Keep a content, whole and durable or not at all; return its hash.

        Raises TooManyContents, FileRefused, and DamagedContent as `hashes` does.
        """
        digest = kept.hash
        if len(self.hashes()) >= CONTENTS_MAX and not self.holds(digest):
            raise TooManyContents(f"{CONTENTS_MAX}")
        name = kept.name.encode()[:NAME_BYTES_MAX].decode(errors="ignore")
        data = codec.encode([VERSION, kept.key, name, kept.content])
        path = self.path(digest)
        part = path.with_name(f".{path.name}.part")
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileNotFoundError):
                part.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(part, flags, PRIVATE_MODE), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync(self.folder)
        except OSError as error:
            raise FileRefused(f"{path}: {error.strerror}") from error
        return digest

    def copy_from(self, other: Contents) -> tuple[int, int]:
        """Keep what another home keeps; return how many are kept, and how many are damaged there.

        What is damaged stays where it is. Raises FileRefused, and DamagedContent as `hashes` does.
        """
        kept = damaged = 0
        for digest in other.hashes():
            try:
                content = other.get(digest)
            except DamagedContent:
                damaged += 1
                continue
            if content is not None:
                self.put(content)
                kept += 1
        return kept, damaged

    def drop(self, digest: bytes) -> bool:
        """Overwrite and remove a content; return whether there was one. Raises FileRefused.

        A disk that writes elsewhere each time, and a backup, may still have it.
        """
        path = self.path(digest)
        try:
            with path.open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync(self.folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise FileRefused(f"{path}: {error.strerror}") from error
        return True

    def damaged(self) -> Iterator[tuple[bytes, str]]:
        """Yield (hash, why) of each content that is not whole; reads all of them.

        A folder that cannot be read is told by an empty hash.
        """
        try:
            digests = self.hashes()
        except DamagedContent as error:
            yield b"", str(error)
            return
        for digest in digests:
            try:
                self.get(digest)
            except DamagedContent as error:
                yield digest, str(error)

    def are_private(self) -> bool:
        """Whether nobody else on this machine can read the folder and the files."""
        paths = [self.folder, *map(self.path, self.hashes())]
        with suppress(FileNotFoundError):
            return not any(path.stat().st_mode & 0o077 for path in paths)
        return True


def _read(data: bytes) -> KeptContent | None:
    """Return the content in the bytes of a file; None when they are no such file."""
    try:
        match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
            case [1, bytes(key), str(name), bytes(content)] if len(key) == CONTENT_KEY_BYTES:
                return KeptContent(key, name, content)
    except Malformed:
        pass
    return None
