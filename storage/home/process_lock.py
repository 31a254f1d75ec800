"""A lock that one process holds while it runs: a file that says which process, and where.

The operating system releases it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from commonweal.protocol.errors import HomeInUse, MissingDatabase, ReadOnlyDatabase

LOCK_BYTES_MAX = 512


class ProcessLock:
    """The lock of one file; it has the holder's process id, and its machine."""

    def __init__(self, path: Path) -> None:
        """Name the file, in a folder that exists; nothing is created before `hold`."""
        self._path = path

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the only holder inside. Raises HomeInUse, MissingDatabase or ReadOnlyDatabase."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            raise MissingDatabase(str(self._path.parent)) from None
        except OSError as error:
            raise ReadOnlyDatabase(f"{self._path}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, where = _written(descriptor)
                place = "" if where == _here() else f", {where}"
                raise HomeInUse(f"{self._path.parent}: process {pid or '?'}{place}") from None
            try:  # in place, which works on a full disk too
                mine = f"{os.getpid()}\n{_here()}\n".encode()
                os.ftruncate(descriptor, os.pwrite(descriptor, mine, 0))
            except OSError as error:
                raise ReadOnlyDatabase(f"{self._path}: {error.strerror}") from error
            yield
        finally:
            os.close(descriptor)

    def holder(self) -> int | None:
        """Return the process id of the holder; None when the lock is free.

        0 when the id is unknown, or of another machine or container, where the same number is
        another process.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, where = _written(descriptor)
            return int(pid) if pid.isdecimal() and where == _here() else 0
        finally:
            os.close(descriptor)
        return None


def _written(lock: int) -> tuple[str, str]:
    """Return the content of a lock file: the holder's process id, and its machine."""
    lines = os.pread(lock, LOCK_BYTES_MAX, 0).decode("utf-8", "replace").splitlines()
    pid, where, *_ = *lines, "", ""
    return pid.strip(), where or _here()


def _here() -> str:
    """Return the scope of process ids: this machine, and on Linux this container."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{os.uname().nodename} {space}".strip()
