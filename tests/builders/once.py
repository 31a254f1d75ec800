"""What takes long to make is made once in a run, by whichever process of it comes first."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest

Made = TypeVar("Made")


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """Return a copy of what `make` returned for a folder, which all processes of this run share.

    make: its result is pickled, so what is open is not a part of it. Only copies of the folder
    may be written to.
    """
    own = folders.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, kept = common / name, common / f"{name}.pickle"
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            shutil.rmtree(folder, ignore_errors=True)  # the process before us failed
            folder.mkdir()
            kept.write_bytes(pickle.dumps(make(folder)))
    return cast("Made", pickle.loads(kept.read_bytes()))
