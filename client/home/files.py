"""Files that members name: read whole and no further than a limit, written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import FileRefused, UnreadableFile, UnusableText
from commonweal.storage.home.home import Home


def read_bytes(path: Path, bytes_max: int, words: Words = ENGLISH) -> bytes:
    """Return what is in a file. Raises UnreadableFile, also when it has more than `bytes_max`."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error
    if len(data) > bytes_max:
        raise UnreadableFile(
            words("{path}: more than {most} bytes").format(path=path, most=bytes_max)
        )
    return data


def read_text(path: Path, bytes_max: int, words: Words = ENGLISH) -> str:
    """Return a file of UTF-8, without the mark at its beginning. Raises UnreadableFile."""
    try:
        return read_bytes(path, bytes_max, words).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(words("{path}: not UTF-8").format(path=path)) from None


def place_for(path: Path, home: Home, words: Words = ENGLISH) -> Path:
    """Return where a file may be written. Raises UnusableText: not on a device, nor in a home."""
    path = path.absolute()
    if path.exists() and not path.is_file():
        raise UnusableText(
            words("{path}: name a plain file, not a folder or a device").format(path=path)
        )
    if path.parent.resolve() == home.path.resolve():
        raise UnusableText(words("{path}: keep it elsewhere than in the home").format(path=path))
    return path


def put_bytes(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file, whole or not at all. mode: before the umask. Raises FileRefused."""
    part = path.with_name(f".{path.name}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise FileRefused(f"{path}: {error.strerror}") from error
