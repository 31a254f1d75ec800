"""What a member wrote that does not count, because a log of theirs forked: named, and saved.

It is on this device only: other nodes keep nothing behind the place where a log forked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.language.words import Words
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.protocol.ledger.state.rejections import Reason
    from commonweal.protocol.records.record import Record
    from commonweal.storage.records.logs.log_store import Store


class Lost(NamedTuple):
    """A record of this home's member that does not count, and why."""

    record: Record
    reason: Reason


def void_records(home: Home) -> list[Lost]:
    """Return the records of this home's member that a fork of their log made void, by seq."""
    with home.store(readonly=True) as store:
        if not is_any_frozen(store):
            return []
    from commonweal.client.ledger.ledger_view import folded
    from commonweal.protocol.ledger.members import membership

    with folded(home) as view:
        devices = [device.key for device in membership.devices(view.state, view.me)]
        void = [record for device in devices for record in view.store.void(device)]
        judged = [(record, view.kept.verdict(record)) for record in void]
    return [Lost(record, reason) for record, reason in judged if reason is not None]


def is_any_frozen(store: Store) -> bool:
    """Whether a log forked: before that no record is void by it."""
    return store.row("SELECT 1 FROM log WHERE frozen NOTNULL LIMIT 1") is not None


def void_warning(home: Home, count: int, words: Words) -> str:
    """Return that so many records do not count, and how they are recorded again."""
    text = words.plural(
        "{n} record of yours does not count: your log forked before it, as when a home is"
        " copied and both write.",
        "{n} records of yours do not count: your log forked before them, as when a home is"
        " copied and both write.",
        count,
    ).format(n=count)
    again = words(
        "Make a new home (weal restore --words), and take its contributions in again there:"
        " weal import home {path}"
    ).format(path=home)
    return words.sentences(text, again)
