"""Writing our member's records: through the running node, or alone under the home's lock.

Either way the same `Service` writes them, so that nothing depends on who did it. What is
returned is on the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from commonweal.client.home.node_client import call
from commonweal.protocol.errors import (
    CommonwealError,
    HomeInUse,
    NotReachable,
    PassphraseNeeded,
    Unanswered,
)
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings

if TYPE_CHECKING:
    from commonweal.node.control.client import LocalClient
    from commonweal.node.control.messages.submission import NewRecords
    from commonweal.node.service.events import OnceKey, Wish
    from commonweal.node.service.service import Service
    from commonweal.storage.home.keystore import Secrets
    from commonweal.storage.records.logs.log_store import Store

Write: TypeAlias = "Callable[[Sequence[Wish]], list[WrittenRecord]]"
"""Writes a batch, all of it or nothing; what it returns is durable."""

Unlock: TypeAlias = "Callable[[Home], Secrets]"
"""Opens the keystore of a home; it may ask for a passphrase, which nothing here does."""

WAIT_SECONDS_MAX = 10.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """A record that was written: its id and its number in our log."""

    id: RecordId
    seq: int


def without_passphrase(home: Home) -> Secrets:
    """Return the secrets of a home that has no passphrase. Raises PassphraseNeeded."""
    from commonweal.storage.home import keystore

    if keystore.needs_passphrase(home.keystore):
        raise PassphraseNeeded(str(home.keystore))
    return keystore.unlock(home.keystore, None)


def now_ms() -> int:
    """Return the time, in ms since 1970."""
    return time.time_ns() // 1_000_000


@contextmanager
def writer(
    home: Home, secrets: Unlock = without_passphrase, once: OnceKey | None = None
) -> Iterator[Write]:
    """Give what writes one batch after another; without a node it holds the home until the end.

    once: a key under which one batch is written at most; a second answers with the first.
    Nothing is folded here: `Drafts` asks first. Raises NotInCommunity, MissingDatabase, HomeInUse
    when another process holds the home and answers nothing for 10 s; each batch raises what the
    service refuses with.
    """
    with home.store(readonly=True) as store:
        Settings.read(store).here  # noqa: B018  raises without a community
    with ExitStack() as held:
        line = line_or_lock(home, held)
        if line is not None:
            yield lambda wishes: _through(line, wishes, once)
            return
        store = held.enter_context(home.store())
        service = service_of(store, secrets(home))
        community = Settings.read(store).here
        from commonweal.storage.ledger.membership import current_decisions

        service.core.replica.decide(current_decisions(home.state, store, community))
        yield lambda wishes: _alone(service, wishes, once)


def line_or_lock(home: Home, held: ExitStack) -> LocalClient | None:
    """Let `held` hold a line to the running node, which is returned, or the home's lock."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            return held.enter_context(call(home))
        except NotReachable:
            pass
        try:
            held.enter_context(home.lock())
        except HomeInUse:
            # A node that starts or ends holds the lock and does not answer yet, or no more.
            if time.monotonic() > deadline:
                raise
        else:
            return None
        time.sleep(PAUSE_SECONDS)


def _through(
    line: LocalClient, wishes: Sequence[Wish], once: OnceKey | None
) -> list[WrittenRecord]:
    from commonweal.node.control.messages.submission import Submit

    try:
        return _written(line.ask(Submit(tuple(wishes), once)))
    except NotReachable as error:
        raise Unanswered(str(error)) from error


def service_of(store: Store, secrets: Secrets) -> Service:
    """Return the service of a home's ledger, which its caller holds."""
    from random import SystemRandom

    from commonweal.node.service.peer import Identity
    from commonweal.node.service.service import Service

    community = Settings.read(store).here
    return Service(store, community, Identity.of(secrets.device_seed), SystemRandom())


def _alone(service: Service, wishes: Sequence[Wish], once: OnceKey | None) -> list[WrittenRecord]:
    from commonweal.node.control.message_codec import from_map
    from commonweal.node.control.messages.submission import NewRecords
    from commonweal.node.service.events import Answer, Committed, Submitted, Ticket

    now = now_ms()
    actions = list(service.handle(Submitted(Ticket(0), tuple(wishes), once), now))
    service.core.replica.store.commit()
    actions += service.handle(Committed(), now)
    for action in actions:
        if isinstance(action, Answer):
            if isinstance(action.value, CommonwealError):
                raise action.value
            return _written(from_map(NewRecords, action.value))
    raise AssertionError("the service answers what is submitted")


def _written(answer: NewRecords) -> list[WrittenRecord]:
    return [WrittenRecord(RecordId(record.id), record.seq) for record in answer.records]
