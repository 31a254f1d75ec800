"""`python -m tests.fuzz.long`: every door under atheris, so many seconds each.

What a door is fed is led by which lines it reaches. Inputs that reach new ones are kept in
build/fuzz/ from run to run; one that breaks a door is put into corpus/, where every test run
tries it again. Each door has a process of its own with a limit of memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

SECONDS = 60
MEMORY_MIB = 2_048
INPUT_BYTES_MAX = 8_192
UNIT_SECONDS_MAX = 10


def main() -> int:
    """Fuzz all doors, or those named; the exit code is 1 when one broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("doors", nargs="*")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--here", action="store_true", help="fuzz in this process, one door")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(
            "not run: atheris is not installed (pip install atheris; Linux on x86-64 only)\n"
        )
        return 0
    if given.here:
        return _fuzz(given.doors[0], given.seconds)
    from tests.fuzz.doors import DOORS

    broken = []
    for name in given.doors or DOORS:
        command = [sys.executable, "-m", "tests.fuzz.long", "--here", name]
        ended = subprocess.run([*command, f"--seconds={given.seconds}"], check=False)
        if ended.returncode:
            broken.append(name)
    sys.stderr.write(f"{len(broken)} doors broke: {', '.join(broken) or 'none'}\n")
    return 1 if broken else 0


def _fuzz(name: str, seconds: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["commonweal", "tomllib", "tarfile"]):
        from commonweal.protocol.errors import CommonwealError
        from tests.fuzz.doors import CORPUS, DOORS

    door = DOORS[name]
    plain = name.replace(" ", "-")
    kept, found = Path("build/fuzz") / plain, CORPUS / plain
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(door.good):
        (kept / f"good-{number}").write_bytes(data)

    def enter(data: bytes) -> None:
        with suppress(CommonwealError):
            door.enter(data)

    limits = [
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-timeout={UNIT_SECONDS_MAX}",
        f"-artifact_prefix={found}{os.sep}",
        "-print_final_stats=0",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *limits, str(kept), str(found)], enter)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
