"""Releases: writing what the ledger says is due to members who used data of this home's member.

Each part is written once, also where the ledger asks again before it has folded what was written.
What the budget has no room for waits for the next time. Nothing here reads a content.
"""

from __future__ import annotations

from collections.abc import Callable

from commonweal.node.service.events import ReleaseDue, Text, Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.records.record import RecordId

RELEASE = "data.release"
PARTS_REMEMBERED_MAX = 4_096
"""Parts of which this process remembers that it wrote them; the ledger knows earlier ones."""


class Releases:
    """Writes releases into the log of this device."""

    def __init__(self, write: Callable[[Wish], bool]) -> None:
        """write: writes a record; says whether the device may write and the budget allowed it."""
        self._write = write
        self.reload()

    def reload(self) -> None:
        """Forget what was written: a commit that failed took it back."""
        self._written: dict[tuple[RecordId, int], None] = {}

    def write(self, due: ReleaseDue) -> None:
        """Write the parts that this process did not write yet, as many as there is room for."""
        for number, body in due.bodies:
            key = due.use, number
            if key in self._written:
                continue
            data: dict[str, Value] = {"use": bytes(due.use), "of": due.of, "part": number}
            if not self._write(
                Wish(RELEASE, data, text=Text("", body, sealed=True), basis=due.seal)
            ):
                return
            self._written[key] = None
            while len(self._written) > PARTS_REMEMBERED_MAX:
                del self._written[next(iter(self._written))]
