"""Name what this machine lacks, in one line each, before pip starts and fails in a page of C.

Run by the Python that is to be used; needs nothing but that Python, 3.7 or newer.
Never installs anything: `.ci/run` does, when it is root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig

MAC = sys.platform == "darwin"
HOW = {
    "Python 3.11, 3.12 or 3.13": ("python3", "python@3.13"),
    "git": ("git", "git"),
    "the venv module of Python": ("python3-venv", "python@3.13"),
    "a C compiler": ("build-essential", "gcc"),
    "the headers of Python": ("python3-dev", "python@3.13"),
    "the headers of GMP (gmp.h)": ("libgmp-dev", "gmp"),
}


def missing() -> list[str]:
    """What is not here, in the words of HOW."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    if not shutil.which(compiler[0]):
        compiler = [shutil.which("cc") or shutil.which("gcc") or shutil.which("clang") or ""]
    here = {
        "Python 3.11, 3.12 or 3.13": (3, 11) <= sys.version_info < (3, 14),
        "git": bool(shutil.which("git")),
        "the venv module of Python": _module("venv") and _module("ensurepip"),
        "a C compiler": bool(compiler[0]),
        "the headers of Python": _compiles(compiler, "Python.h", sysconfig.get_paths()["include"]),
        "the headers of GMP (gmp.h)": _compiles(compiler, "gmp.h"),
    }
    if not compiler[0]:  # without one, nothing is known of headers
        here["the headers of Python"] = here["the headers of GMP (gmp.h)"] = True
    return [name for name in HOW if not here[name]]


def _module(name: str) -> bool:
    asked = subprocess.run([sys.executable, "-c", "import " + name], stderr=subprocess.DEVNULL)
    return asked.returncode == 0


def _compiles(compiler: list[str], header: str, *folders: str) -> bool:
    if not compiler[0]:
        return False
    command = [*compiler, *("-I" + folder for folder in folders), "-E", "-x", "c", "-"]
    asked = subprocess.run(
        command,
        input=f"#include <{header}>\n".encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return asked.returncode == 0


def main() -> int:
    """Print what to install; 0 when nothing is missing."""
    lacking = missing()
    packages = []
    for name in lacking:
        package = HOW[name][1 if MAC else 0]
        if package not in packages:
            packages.append(package)
    if "--packages" in sys.argv:
        print(" ".join(packages))
        return 0
    if lacking:
        install = ("brew install " if MAC else "apt install ") + " ".join(packages)
        sys.stderr.write(f"commonweal: {', '.join(lacking)} missing: {install}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
