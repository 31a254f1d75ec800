"""Nodes on a network with delay, loss and parting, and behind masquerade."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cluster.test_cluster import write
from tests.networks.conftest import Note
from tests.networks.places import HIDDEN, Weather, lacking, network
from tests.networks.village import lacks, neighbours, village, wait_equal, write_for

pytestmark = [
    pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}"),
    pytest.mark.timeout(240),
]

BAD = Weather(delay_ms=50, jitter_ms=5, loss=0.10)
NARROW_KBIT = 1_000
PART_S = 60.0 if "COMMONWEAL_RUNS" in os.environ else 20.0
EQUAL_S_MAX = 15.0
MOBILE_KBIT = 48
MOBILE_S_MAX = 90.0
WRITE_EACH_S = 0.5


def test_a_village_that_was_parted_is_equal_soon_after(
    tmp_path: Path, record_property: Note
) -> None:
    """Five nodes, 50 ms and a tenth lost on each way, one sends 1 Mbit/s at most; two and three."""
    with network(BAD) as net:
        places = [net.place() for _ in range(5)]
        net.narrow(places[4], NARROW_KBIT)
        with village(tmp_path, net, places, 4) as all_five:
            west, east = all_five[:2], all_five[2:]
            net.part(places[:2], places[2:])
            written = write_for(PART_S, (west[0], east[0], east[2]), WRITE_EACH_S)
            wait_equal(east, EQUAL_S_MAX)
            assert lacks(west, written) == ["n1", "n2"]
            assert lacks(east, written) == ["n3", "n4", "n5"]
            net.heal()
            took_s = wait_equal(all_five, EQUAL_S_MAX)
            assert not lacks(all_five, written)
    lost = f"{net.lost} of {net.lost + net.carried} packets lost"
    record_property("network", f"parted for {PART_S:.0f} s: equal {took_s:.1f} s after, {lost}")


def test_nodes_behind_masquerade_get_and_give_every_record_through_one_that_is_reachable(
    tmp_path: Path, record_property: Note
) -> None:
    """The two that are hidden have one and the same address and port, and a router each."""
    with network(Weather(delay_ms=10, jitter_ms=2)) as net:
        places = [net.place(), net.hide(), net.hide()]
        with village(tmp_path, net, places, 1) as (mei, bo, chen):
            began = time.monotonic()
            written = [id for one in (mei, bo, chen) for id in write(one.home, 1, 2, 3)]
            wait_equal([mei, bo, chen], EQUAL_S_MAX)
            took_s = time.monotonic() - began
            assert not lacks([mei, bo, chen], written)
            for one in (bo, chen):
                assert all(HIDDEN not in address for address in neighbours(one))
                assert len(neighbours(one)) == 1
    record_property(
        "network", f"two behind masquerade, through a third: equal after {took_s:.1f} s"
    )


def test_who_was_parted_catches_up_over_a_line_on_which_a_frame_takes_longer_than_silence_may(
    tmp_path: Path, record_property: Note
) -> None:
    """Two nodes; 150 KB of records at 48 kbit/s."""
    with network(Weather(delay_ms=20, jitter_ms=2)) as net:
        places = [net.place(), net.place()]
        with village(tmp_path, net, places, 1) as (mei, bo):
            net.part(places[:1], places[1:])
            written = [
                id
                for first in range(0, 600, 60)
                for id in write(mei.home, *range(first, first + 60))
            ]
            while neighbours(mei) or neighbours(bo):
                time.sleep(0.5)
            net.narrow(places[0], MOBILE_KBIT)
            net.heal()
            took_s = wait_equal([mei, bo], MOBILE_S_MAX)
            assert not lacks([mei, bo], written)
    record_property("network", f"a line of {MOBILE_KBIT} kbit/s: equal after {took_s:.0f} s")
