"""How this program starts itself again: as `weal` of a checkout, of a wheel, or of the bundle.

Every process that Commonweal starts of itself (the node, the page) uses this command line and this
environment. Nothing here starts a process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import commonweal

LEFT_OUT = "COMMONWEAL_PASSPHRASE"


def command() -> list[str]:
    """Return the command line that runs `weal`; the words of a command follow it.

    In the bundle, the executable is `weal` itself; elsewhere it is a Python that has to be told.
    """
    if getattr(sys, "frozen", False):  # set by PyInstaller
        return [sys.executable]
    return [sys.executable, "-P", "-m", "commonweal"]


def environment() -> dict[str, str]:
    """Return the environment of a node or a page; PYTHONPATH leads to a checkout not installed.

    The passphrase is removed: neither needs it, and an environment stays readable.
    """
    root = Path(commonweal.__file__).parent.parent
    variables = dict(os.environ)
    variables.pop(LEFT_OUT, None)
    if (root / "pyproject.toml").is_file():
        before = variables.get("PYTHONPATH")
        variables["PYTHONPATH"] = os.pathsep.join([str(root), *([before] if before else [])])
    return variables
