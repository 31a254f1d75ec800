"""Writing our member's records: through the running node, or alone under the home's lock.

Either way the same `Service` writes them, so that nothing depends on who did it. What is
returned is on the disk.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, NamedTuple

from commonweal.commands.client import call
from commonweal.commands.options import unlock
from commonweal.protocol import keys
from commonweal.protocol.errors import CommonwealError, HomeInUse, NotReachable
from commonweal.protocol.record import RecordId
from commonweal.storage.home import Home, Settings

if TYPE_CHECKING:
    from commonweal.node.call import Call
    from commonweal.node.events import Wish

WAIT_SECONDS_MAX = 10.0
PAUSE_SECONDS = 0.05


class Written(NamedTuple):
    """A record that was written: its id and its number in our log."""

    id: RecordId
    seq: int


def now_ms() -> int:
    """Return the time, in ms since 1970."""
    return time.time_ns() // 1_000_000


def write(home: Home, wishes: Sequence[Wish], passphrase_file: Path | None = None) -> list[Written]:
    """Write records in our log, all or none, and return them, durable.

    Raises NotInCommunity, MissingDatabase, HomeInUse when somebody holds the home and
    answers nothing for 10 s, and what the service refuses with.
    """
    with home.store(readonly=True) as store:
        Settings.read(store).here  # noqa: B018  raises without a community
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        if line := _line(home):
            from commonweal.node.call import wishes_about

            with line:
                return _written(line.ask("submit", **wishes_about(wishes)))
        try:
            with home.lock():
                return _alone(home, wishes, passphrase_file)
        except HomeInUse:
            # A node that starts or ends holds the lock and does not answer yet, or no more.
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


def _line(home: Home) -> Call | None:
    try:
        return call(home)
    except NotReachable:
        return None


def _alone(home: Home, wishes: Sequence[Wish], passphrase_file: Path | None) -> list[Written]:
    from commonweal.node.events import Answer, Committed, Submitted, Ticket
    from commonweal.node.service import Service
    from commonweal.node.session import Identity

    secrets = unlock(home, passphrase_file)
    signer = keys.device_signer(secrets.device_seed)
    peer = keys.PeerKey(keys.Signer(keys.peer_seed(secrets.device_seed)).key)
    with home.store() as store:
        community = Settings.read(store).here
        service = Service(store, community, Identity(signer, peer), SystemRandom())
        now = now_ms()
        actions = list(service.handle(Submitted(Ticket(0), tuple(wishes)), now))
        store.commit()
        actions += service.handle(Committed(), now)
        for action in actions:
            if isinstance(action, Answer):
                if isinstance(action.value, CommonwealError):
                    raise action.value
                return _written(dict(action.value))
    raise AssertionError("the service answers what is submitted")


def _written(value: dict[str, Any]) -> list[Written]:
    return [Written(RecordId(one["id"]), one["seq"]) for one in value["records"]]
