"""Choose versions anew and write both lock files; `make lock` runs this.

requirements.txt is what a node needs, requirements-dev.txt that and what its builders need. Both
hold for every supported Python and system, carry the hash of every file, and name no index: pip
asks the one it is set to, and so does this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
OLDEST_PYTHON = "3.11"


def main() -> None:
    """Write requirements.txt, then requirements-dev.txt on top of it."""
    environment = dict(os.environ)
    if index := _pip_index():
        environment.setdefault("UV_DEFAULT_INDEX", index)
    common = [
        _uv(),
        *("pip", "compile", "pyproject.toml", "--quiet", "--upgrade", "--universal"),
        *("--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-emit-index-url"),
        *("--custom-compile-command", "make lock"),
    ]
    for extra in (
        ["--output-file", "requirements.txt"],
        [
            *("--group", "dev", "--constraints", "requirements.txt"),
            *("--output-file", "requirements-dev.txt"),
        ],
    ):
        subprocess.run([*common, *extra], cwd=ROOT, env=environment, check=True)


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    if program := shutil.which("uv") or (str(beside) if beside.exists() else None):
        return program
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    return str(beside)


def _pip_index() -> str | None:
    """The index that pip is set to, by its environment or its files."""
    if index := os.environ.get("PIP_INDEX_URL"):
        return index
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None


if __name__ == "__main__":
    main()
