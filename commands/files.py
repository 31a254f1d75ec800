"""Files that members give, read whole and no further than a limit."""

from __future__ import annotations

from pathlib import Path

from commonweal.commands.language import _
from commonweal.protocol.errors import UnreadableFile


def read_bytes(path: Path, bytes_max: int) -> bytes:
    """Return what is in a file. Raises UnreadableFile, also when it has more than `bytes_max`."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error
    if len(data) > bytes_max:
        raise UnreadableFile(_("{path}: more than {most} bytes").format(path=path, most=bytes_max))
    return data


def read_text(path: Path, bytes_max: int) -> str:
    """Return a file of UTF-8, without the mark at its beginning. Raises UnreadableFile."""
    try:
        return read_bytes(path, bytes_max).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(_("{path}: not UTF-8").format(path=path)) from None
