"""Data releases: this home's contents, sealed for the members who used them.

The only part of a node that reads a content. It looks for what is due when the ledger changed, and
seals the missing parts of one use; the service writes them. The order of uses is that of their ids,
and one at a time is sealed, so that many uses do not fill the memory.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from commonweal.node.service.events import ReleaseDue
from commonweal.protocol.errors import DamagedContent
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.records import data_content, sealed_body
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.records.sealed_body import Chance
from commonweal.storage.home.contents import Contents, KeptContent
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.releases import due_releases

log = logging.getLogger(__name__)


class DataReleases:
    """What the node of one home hands over by itself."""

    def __init__(self, contents: Contents, member: MemberId, chance: Chance = os.urandom) -> None:
        """contents: of this home. member: whose home it is. chance: gives random bytes."""
        self._contents, self._member, self._chance = contents, member, chance
        self._damaged: set[bytes] = set()
        self._told: set[str] = set()

    def due(self, kept: LedgerState) -> ReleaseDue | None:
        """Return the parts to write for one use; None when nothing is due.

        kept: the ledger. Nothing is due before all that is held is folded, own releases too, nor
        while the contents cannot be read.
        """
        try:
            return self._next_due(kept)
        except DamagedContent as error:
            self._tell(error)
            return None

    def _next_due(self, kept: LedgerState) -> ReleaseDue | None:
        if not kept.is_whole or not self._contents.hashes():
            return None
        for due in due_releases(kept, self._member, self._holds):
            devices = [device for device in due.devices if sealed_body.can_seal_to(device)]
            content = self._content(due.content) if devices else None
            if content is not None:
                return ReleaseDue(
                    due.use,
                    due.of,
                    self._sealed(content, due.parts, devices),
                    RecordId(kept.last.seal),
                )
        return None

    def _sealed(
        self, content: KeptContent, parts: Sequence[int], devices: Sequence[DeviceKey]
    ) -> tuple[tuple[int, bytes], ...]:
        bodies = []
        for number in parts:
            plain = data_content.part_of(content.key, content.content, number)
            bodies.append((number, sealed_body.seal(plain, devices, self._chance)[0]))
        return tuple(bodies)

    def _content(self, digest: bytes) -> KeptContent | None:
        try:
            return self._contents.get(digest)
        except DamagedContent as error:
            if not isinstance(error.__cause__, OSError):  # else the disk may read it the next time
                self._damaged.add(digest)
            self._tell(error)
            return None

    def _tell(self, error: DamagedContent) -> None:
        """Say in the log why a content cannot be released, once until the node starts again."""
        if str(error) not in self._told:
            self._told.add(str(error))
            log.warning("a content cannot be released: %s", error)

    def _holds(self, digest: bytes) -> bool:
        return digest not in self._damaged and self._contents.holds(digest)
