"""Files on this member's disk: created for their owner alone, and made durable.

Knows no format and no folder of a home.
"""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE_MODE = 0o600


def create_private(path: Path) -> None:
    """Create the file when it is missing, readable by its owner alone. Raises OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE_MODE))


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable (fsync). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
