"""Every door, with bytes that nobody would send: they raise only our errors."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.protocol.errors import CommonwealError
from tests.fuzz.changes import inputs
from tests.fuzz.doors import DOORS, kept
from tests.planted.faults import ROOT

SECONDS_MAX = 3.0
GROWTH_KIB_MAX = 300 * 1024


@pytest.mark.parametrize("name", DOORS)
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes_from_outside_raise_only_our_errors(name: str, data: st.DataObject) -> None:
    door = DOORS[name]
    given_bytes = data.draw(inputs(door.good))
    with suppress(CommonwealError):
        door.enter(given_bytes)


@pytest.mark.parametrize("name", DOORS)
def test_what_once_broke_a_door_does_not_break_it_again(name: str) -> None:
    for data in kept(name):
        with suppress(CommonwealError):
            DOORS[name].enter(data)


HEAVY = {
    "deep lists": b"\x91" * 1_000_000,
    "deep maps": b"\x81\xa1a" * 300_000,
    "a list that promises much": b"\xdd\xff\xff\xff\xff" * 200_000,
    "bytes that promise much": b"\xc6\xff\xff\xff\xff",
    "brackets": b"a = " + b"[" * 60_000,
    "tables": b"a = " + b"{b=" * 20_000,
    "dotted": b"a." * 30_000 + b"b = 1",
    "brackets of a rule": b"(" * 60_000,
    "signs": b"-" * 60_000,
    "negations": b"!" * 60_000,
    "choices": b"a?" * 60_000,
    "digits": b"9" * 60_000,
    "digits with a unit": b"9" * 60_000 + b" hour",
    "quotes": b'"' * 60_001,
    "nothing": b"",
    "zeros": bytes(1_000_000),
    "high": b"\xff" * 1_000_000,
    "spaces": b" " * 1_000_000,
    "words": b"abandon " * 100_000,
    "commas": b"date,action\n" + b"," * 1_000_000,
    "lines": b"date,action\n" + b"\n" * 1_000_000,
}


@pytest.mark.parametrize("name", DOORS)
def test_no_door_is_slow_or_hungry(name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for what, data in HEAVY.items():
        begun = time.process_time()
        with suppress(CommonwealError):
            DOORS[name].enter(data)
        assert time.process_time() - begun < SECONDS_MAX, what
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < GROWTH_KIB_MAX, "an input that takes much memory"


@pytest.mark.timeout(900)  # by the wall: beside other runs it takes minutes
def test_32_mib_of_hostile_bytes_cost_little_at_every_door() -> None:
    """In a process of its own: what it took at most is what the worst of them took."""
    asked = [sys.executable, "-m", "tests.fuzz.floods"]
    ran = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True)
    found = json.loads(ran.stdout)
    assert list(found["seconds"]) == list(DOORS)
    assert max(found["seconds"].values()) < SECONDS_MAX, found
    assert found["grown_kib"] < GROWTH_KIB_MAX, found
