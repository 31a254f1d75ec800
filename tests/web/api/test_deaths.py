"""The process that serves the API is killed while it writes; the call is made again."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.api_calls import Caller, calling
from tests.web.api.village import WORK

KEY = "2026-11-30 beds".replace(" ", "-")
DYING = """
import os, signal, sys
from pathlib import Path
from commonweal.storage.records.logs.log_store import Store
from fastapi import FastAPI
from tests.builders.api_calls import Caller, calling
from commonweal.web.api import calls

home, token, key, point = Path(sys.argv[1]), *sys.argv[2:]

def dies(*_args, **_more):
    os.kill(os.getpid(), signal.SIGKILL)

commit, answer = Store.commit, calls.answer

def commits_and_dies(store):
    commit(store)
    dies()

match point:
    case "before the commit":
        Store.commit = dies
    case "after the commit":
        Store.commit = commits_and_dies
    case "before the answer":
        calls.answer = dies
with calling(home) as caller:
    caller.headers = {"Authorization": f"Bearer {token}"}
    caller.try_post("/contributions", {"action": "work", "quantity": "3", "unit": "hours"}, key)
"""
"""Answers one call, and kills itself at one point."""


@pytest.mark.parametrize("point", ["before the commit", "after the commit", "before the answer"])
def test_a_write_of_a_killed_server_is_done_once(home: Path, caller: Caller, point: str) -> None:
    token = caller.headers["Authorization"].removeprefix("Bearer ")
    ended = subprocess.run([sys.executable, "-c", DYING, home, token, KEY, point], check=False)
    assert ended.returncode == -signal.SIGKILL, "it died at that point"
    is_written = point != "before the commit"
    given = caller.try_post("/contributions", WORK, KEY)
    assert given.status_code == (200 if is_written else 201), given.text
    assert ("idempotency-replayed" in given.headers) == is_written
    (row,) = caller.get("/contributions")["records"]
    assert row["id"] == given.json()["id"]
    assert caller.try_post("/contributions", WORK | {"quantity": "4"}, KEY).status_code == 409
    with calling(home) as other:  # another server, after a restart
        other.headers = caller.headers
        again = other.try_post("/contributions", WORK, KEY)
    record = {"id": row["id"], "seq": row["seq"]}
    assert (again.status_code, again.json()) == (200, record | {"records": [record]})
    assert caller.get("/contributions")["total"] == 1
