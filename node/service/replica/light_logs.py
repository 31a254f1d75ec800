"""Light logs: what of the logs a light home keeps, and whether this home is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import Record
from commonweal.storage.records import light_home

if TYPE_CHECKING:
    from commonweal.node.service.replica.replica import Replica


class LightLogs:
    """The bases of the logs of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica, self._store = replica, replica.store
        self.reload()

    def reload(self) -> None:
        """Read from the store whether the home is light, as at the start."""
        self.heights = light_home.heights_kept(self._store)
        """In a light home, of how many heights records stay; else None."""
        self.has_bases = self._store.has_bases()
        """Whether this home lacks records that it dropped as a light one."""

    @property
    def is_light(self) -> bool:
        """Whether this home is light, or still lacks what it dropped as one."""
        return self.heights is not None or self.has_bases

    def raise_base(self, author: DeviceKey, base: int) -> None:
        """Let what is held of a log begin at `base`, which a seal covers."""
        if self._store.raise_base(author, base):
            self.has_bases = True
            self._replica.refresh(author)

    def drop_some(self, records_max: int) -> None:
        """Remove some records below the bases of logs."""
        for author in self._store.drop_some(records_max):
            self._changed(author)

    def keep_what_is_left(self) -> None:
        """Drop nothing more: bases fall to where records were really removed, or logs end."""
        is_due = self._store.to_drop() is not None
        if is_due:
            self._store.keep_undropped()
        if is_due or any(row.length < row.base for row in self._replica.rows()):
            self._store.settle_forks()
            self.read_again()

    def refill(
        self, author: DeviceKey, run: Sequence[Record], bodies: Mapping[bytes, bytes]
    ) -> None:
        """Put back records that end just below the base of a log. Raises `MissingBody`."""
        self._store.refill(author, run, bodies)
        self._changed(author)

    def read_again(self) -> None:
        """Read again where logs begin."""
        for author in self._replica.authors():
            self._replica.refresh(author)
        self.has_bases = self._store.has_bases()

    def _changed(self, author: DeviceKey) -> None:
        self._replica.refresh(author)
        self._replica.quota.forget()
