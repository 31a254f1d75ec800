"""Process hardening: no core file, and no debugger of the same user.

Called wherever a secret enters memory. Where the system does not offer a protection, it is left
out without an error.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from contextlib import suppress

PR_SET_DUMPABLE = 4


def forbid_core_and_debugger() -> None:
    """Set the core limit to 0, and on Linux make the process not dumpable (no ptrace)."""
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
