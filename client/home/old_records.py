"""Old records in a light home: what it dropped is fetched again when somebody looks.

The running node fetches and proves it; nothing here talks to other homes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from commonweal.client.home.node_client import ask_if_running
from commonweal.protocol.errors import LightHome
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records import light_home

if TYPE_CHECKING:
    from commonweal.client.language.words import Words
    from commonweal.storage.home.home import Home


ID_DIGITS = 16
"""Digits of an id in a sentence."""


def is_thinned(home: Home) -> bool:
    """Say whether a home dropped records as a light one."""
    with home.store(readonly=True) as store:
        return store.has_bases()


def is_light(home: Home) -> bool:
    """Say whether a home is light, or lacks what it dropped as one."""
    with home.store(readonly=True) as store:
        return light_home.heights_kept(store) is not None or store.has_bases()


def check_whole(home: Home, words: Words) -> None:
    """Raise LightHome where a home dropped records that what follows needs."""
    if is_thinned(home):
        raise LightHome(words("the old ones were dropped here"))


def fetch_missing(home: Home, ids: Iterable[bytes], words: Words) -> bool:
    """Have those of these records that a light home dropped; say whether any was fetched.

    Raises LightHome while no node runs, and NobodyGives.
    """
    from commonweal.node.control.messages.held_records import FetchRecord

    with home.store(readonly=True) as store:
        if not store.has_bases():
            return False
        missing = [id for id in dict.fromkeys(ids) if store.wire(RecordId(id)) is None]
    for id in missing:
        if ask_if_running(home, FetchRecord(bytes(id))) is None:
            text = words("{id} was dropped here; while the node runs it is fetched: weal up")
            raise LightHome(text.format(id=id.hex()[:ID_DIGITS]))
    return bool(missing)
