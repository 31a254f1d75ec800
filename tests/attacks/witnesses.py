"""A cluster of real nodes whose members all have a seat, asked and looked at as members would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.messages.control import SealNow, SealOutcome
from commonweal.node.control.messages.submission import Submit
from commonweal.node.service.events import Wish
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.seal_store import SealStore
from tests.cluster.test_cluster import clustered, write

HEIGHTS_MAX = 200
"""Who comes must have been heard at a seal: so many at most until all have a seat."""
SEAL_S_MAX = 60.0
SAME_S_MAX = 30.0
LOOK_S = 0.2


@contextmanager
def seated(folder: Path, count: int) -> Iterator[Cluster]:
    """Run a community of `count` nodes, each of which witnesses."""
    with clustered(folder, count) as cluster:
        claims = {}
        for name in cluster.names()[1:]:
            with LocalClient(cluster.home(name).socket) as line:
                wish = Wish("role.claim", {"role": "witness"})
                (written,) = line.ask(Submit((wish,))).records
                claims[member_of(cluster.home(name))] = RecordId(written.id)
        cluster.wait_equal(SAME_S_MAX)
        for name in cluster.names():
            endorsements = [
                Wish("role.endorse", {"role": "witness", "member": bytes(member)}, (claim,))
                for member, claim in claims.items()
                if member != member_of(cluster.home(name))
            ]
            with LocalClient(cluster.home(name).socket) as line:
                line.ask(Submit(tuple(endorsements)))
        numbers = iter(range(HEIGHTS_MAX))

        def all_have_one() -> bool:
            write(cluster.home("n1"), next(numbers))
            seal(cluster.home("n1"))
            return seats(cluster.home("n1")) == count

        until(all_have_one, "those who would witness have no seats")
        yield cluster


def member_of(home: Home) -> MemberId:
    """Return the member of a home."""
    with home.store(readonly=True) as store:
        return Settings.read(store).member


def seal(home: Home, seconds: float = SEAL_S_MAX) -> int:
    """Ask a node for a seal until there is nothing left to seal; return the height."""
    began = time.monotonic()
    with LocalClient(home.socket, patience_s=seconds) as line:
        for answer in line.follow(SealNow()):
            assert time.monotonic() - began < seconds, "no seal is made"
            if isinstance(answer, SealOutcome):
                return answer.height
    raise AssertionError("the node went away")


def sealed(home: Home) -> dict[int, tuple[bytes, bytes]]:
    """Return the id and the state root of every seal that a home keeps, by height."""
    with home.store(readonly=True) as store:
        kept = SealStore(store, Settings.read(store).here)
        found = {}
        for height in range(1, kept.height + 1):
            one = kept.at(height)
            assert one is not None, "the chain has no gaps"
            found[height] = (bytes(one.sealed.seal.id), one.sealed.seal.state_root)
        return found


def seats(home: Home) -> int:
    """Return how many witnesses there are now."""
    with home.store(readonly=True) as store:
        kept = SealStore(store, Settings.read(store).here)
        last = kept.at(kept.height)
        return len(last.sealed.witnesses) if last else 1


def until(holds: Callable[[], bool], what: str, seconds: float = SAME_S_MAX) -> float:
    """Return the seconds until something holds, or fail."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, what
        time.sleep(LOOK_S)
    return time.monotonic() - began
