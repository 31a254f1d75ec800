"""Secrets of this process stay in its memory: no core file, and no other process looks in.

It is called wherever a secret comes into memory. What the system does not offer is left
out: that is more than nothing, and never an error.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from contextlib import suppress

PR_SET_DUMPABLE = 4


def keep() -> None:
    """Let the system write no core of this process, and let no debugger of our user into it."""
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
