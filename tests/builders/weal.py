"""The command `weal`, typed in this process: what it prints and how it ends."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from commonweal.cli import main


class Ran(NamedTuple):
    """How a command ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote, read as JSON."""
        return json.loads(self.out)


def weal(*typed: str | Path, answers: str = "") -> Ran:
    """Type a command; `answers` are the lines that it reads."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    read = io.TextIOWrapper(io.BytesIO(answers.encode()), "utf-8")
    with redirect_stdout(out), redirect_stderr(err), patch("sys.stdin", read):
        code = main([str(word) for word in typed])
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Ran(code, *said)


def good(*typed: str | Path, answers: str = "") -> Ran:
    """Type a command that must succeed."""
    ran = weal(*typed, answers=answers)
    assert ran.code == 0, f"{typed}: {ran}"
    return ran


def member(home: Path, name: str = "Ann") -> Path:
    """Make a home without passphrase."""
    good("init", "--home", home, "--name", name, "--no-passphrase")
    return home


def founder(home: Path, name: str = "Ann", community: str = "Garden") -> Path:
    """Make a home and found a community in it."""
    member(home, name)
    good("found", community, "--home", home)
    return home
