"""The files by which a page's process is found: where it listens, and the key of its doors.

`page.json` is readable by the owner of the home alone (0600) and is replaced whole. The lock beside
it says whether the process runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commonweal.protocol.errors import ReadOnlyDatabase
from commonweal.storage.home.process_lock import ProcessLock

PAGE_FILE_BYTES_MAX = 4096
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Where a page's process listens, on loopback. key: 32 bytes that sign the tokens of entry."""

    port: int
    key: bytes

    @property
    def url(self) -> str:
        """The address for a browser."""
        return f"http://127.0.0.1:{self.port}"


class PageFile:
    """The files of the page's process in one home."""

    def __init__(self, home: Path) -> None:
        """Name a home; nothing is read or created."""
        self._home = home
        self._file = home / "page.json"
        self._lock = ProcessLock(home / "page.lock")

    @property
    def log(self) -> Path:
        """The log of a process in the background."""
        return self._home / "page.log"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the only page of this home inside. Raises HomeInUse, ReadOnlyDatabase."""
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ReadOnlyDatabase(f"{self._home}: {error.strerror}") from error
        with self._lock.hold():
            yield

    def holder(self) -> int | None:
        """Return the process id of the running page; None when none runs, 0 when unknown."""
        return self._lock.holder()

    def write(self, address: PageAddress) -> None:
        """Tell where the page listens. Raises ReadOnlyDatabase."""
        draft = self._file.with_name(f".{self._file.name}.part")
        data = json.dumps({"port": address.port, "key": address.key.hex()}).encode()
        try:
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            draft.replace(self._file)
        except OSError as error:
            raise ReadOnlyDatabase(f"{self._file}: {error.strerror}") from error

    def read(self) -> PageAddress | None:
        """Return where the page listens or last listened; None where that is not known."""
        try:
            with self._file.open("rb") as file:
                data = json.loads(file.read(PAGE_FILE_BYTES_MAX))
        except (OSError, ValueError):
            return None
        match data:
            case {"port": int(port), "key": str(key)} if 0 < port < 65_536:
                try:
                    return PageAddress(port, bytes.fromhex(key))
                except ValueError:
                    return None
        return None
