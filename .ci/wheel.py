"""Say which files of the product a wheel lacks: words, templates, styles and pictures too.

`.ci/wheel.py FILE`; ends with 1 when the wheel FILE lacks any.
"""

from __future__ import annotations

import subprocess
import sys
from zipfile import ZipFile

PACKAGES = ("client", "commands", "node", "protocol", "storage", "web", "cli.py")


def lacking(wheel: str) -> list[str]:
    """Return the files that git keeps of the packages and that `wheel` does not hold."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *PACKAGES], check=True, capture_output=True, text=True
    )
    with ZipFile(wheel) as archive:
        held = set(archive.namelist())
    return [name for name in listed.stdout.split("\0") if name and f"commonweal/{name}" not in held]


if __name__ == "__main__":
    names = lacking(sys.argv[1])
    sys.exit("the wheel lacks " + ", ".join(names) if names else 0)
