"""The signature audit: signatures that rest on a later one are verified one by one, in time."""

from __future__ import annotations

from commonweal.node.service.core import Core
from commonweal.node.service.sync.fetch import RecordFetch
from commonweal.node.service.sync.fork_evidence import ForkEvidence
from commonweal.protocol.keys import DeviceKey

AUDIT_RECORDS = 64
AUDIT_PAUSE_MS = 25
"""Signatures are verified in the background, AUDIT_RECORDS at a time, with this pause.

Not while records are being fetched fast, or a state comes before them: those are more urgent.
"""


class SignatureAudit:
    """The logs that have unchecked signatures."""

    def __init__(self, core: Core, forks: ForkEvidence, fetch: RecordFetch) -> None:
        self.core, self.forks, self.fetch = core, forks, fetch
        self._due: dict[DeviceKey, None] = {}

    def begin(self) -> None:
        """Look at every log that is held."""
        self._due = dict.fromkeys(self.core.replica.authors())

    def add(self, author: DeviceKey) -> None:
        """Look at a log that has unchecked signatures."""
        self._due[author] = None

    def step(self) -> bool:
        """Check a few, when there is time; say whether there was."""
        is_urgent = self.fetch.is_fetching_fast() or self.fetch.waits_for_state()
        if not self._due or not self.core.keeps or is_urgent:
            return False
        self._check()
        return True

    def _check(self) -> None:
        author = next(iter(self._due))
        row = self.core.replica.row(author)
        if row.checked >= row.length:
            del self._due[author]
            return
        stop = min(row.checked + AUDIT_RECORDS, row.length)
        if not self.core.replica.is_sound(author, row.checked, stop):
            del self._due[author]  # it is the disk's fault; checked again when mended
            return
        proof = self.core.replica.audit(author, row.checked, stop)
        if proof is not None:
            self.forks.freeze(proof)
        elif self.core.replica.row(author).checked == row.checked:
            del self._due[author]  # bad signatures below a proof further on
