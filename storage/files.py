"""Files on this member's disk: created for their owner alone, and made durable.

Knows no format and no folder of a home.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

PRIVATE_MODE = 0o600


def create_private(path: Path) -> None:
    """Create the file when it is missing, readable by its owner alone. Raises OSError.

    A file that is there is not opened: to close it would drop every lock that this process has on
    it, those of SQLite too (POSIX, fcntl; sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
        os.close(os.open(path, flags, PRIVATE_MODE))
    except FileExistsError:
        if path.is_dir() or not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from None


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable (fsync). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
