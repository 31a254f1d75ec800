"""A bare Debian in a folder, without Python or a compiler, in which a member types commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.builders.weal import Ran

USER = 1000
HOME = Path("/srv/mei")
SECONDS_MAX = 60


class BareSystem:
    """A Debian in the folder `root`; what is typed there runs as a member without rights.

    It shares network and process ids with this machine, so that a test can ask and end what runs.
    """

    def __init__(self, root: Path) -> None:
        """Install the base system of Debian, from the archive that this machine uses."""
        self.root = root
        archive, suite = _archive()
        command = ["debootstrap", "--variant=minbase", suite, str(root), archive]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
        self.home = root / HOME.relative_to("/")
        self.home.mkdir(mode=0o700)
        shutil.chown(self.home, USER, USER)

    def typed(self, line: str, *, answers: str = "", **variables: str) -> Ran:
        """Type a line of shell in the member's own folder."""
        environment = {"HOME": str(HOME), "PATH": f"{HOME}/.local/bin:/usr/bin:/bin"} | variables
        inside = [f"{name}={value}" for name, value in environment.items()]
        mounted = 'mount -t proc proc "$0/proc" && exec chroot --userspec="$1" "$0" "${@:2}"'
        command = ["unshare", "--mount", "bash", "-c", mounted, str(self.root), f"{USER}:{USER}"]
        command += ["env", "-i", *inside, "sh", "-c", f"cd && {line}"]
        ended = subprocess.run(
            command, input=answers, capture_output=True, text=True, timeout=SECONDS_MAX
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def good(self, line: str, *, answers: str = "", **variables: str) -> str:
        """Type a line that must succeed, and return what it wrote."""
        ran = self.typed(line, answers=answers, **variables)
        assert ran.code == 0, f"{line}: {ran}"
        return ran.out


def _archive() -> tuple[str, str]:
    """Return the address of the archive of this Debian, and the name of its suite."""
    listed = subprocess.run(
        [
            *("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"),
            *("Identifier: Packages", "Component: main"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    known = Path("/usr/share/debootstrap/scripts")
    for line in listed.stdout.splitlines():
        archive, _, suite = line.partition(" ")
        if re.fullmatch(r"[a-z]+", suite) and (known / suite).exists():
            return archive, suite
    raise LookupError(listed.stdout)
