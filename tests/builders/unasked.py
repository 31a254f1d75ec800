"""Records that are written without asking the fold, as no command does it."""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.client.home.submit import Unlock, WrittenRecord, without_passphrase, writer
from commonweal.node.service.events import Wish
from commonweal.storage.home.home import Home


def write(
    home: Home, wishes: Sequence[Wish], secrets: Unlock = without_passphrase
) -> list[WrittenRecord]:
    """Write records in the log of a home, all or none, and return them, durable."""
    with writer(home, secrets) as write_batch:
        return write_batch(wishes)
