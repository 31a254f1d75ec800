"""What changes on the running node of a home, as it changes: for pages and other programs."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from commonweal.client.home.node_client import call
from commonweal.protocol.errors import NotReachable
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.node.control.messages.changes import NodeChanges

SILENCE_S_MAX = 15.0
"""The node answers within 10 s even when nothing changes; after this time it is halted or lost."""


class NodeWatch:
    """The changes on the node of a home, one after the other. For one thread; use `with`.

    Iterating waits for the next change and ends after `close`. Changes within 200 ms are one.
    Whoever is slow misses nothing: the next change then covers all that came meanwhile.
    """

    def __init__(self, home: Home, after: NodeChanges | None = None) -> None:
        """Connect to the running node.

        after: the last change that is known; without one, or where the node was started again, the
        first change comes at once and has `is_more`. Raises NotReachable.
        """
        self._last = after
        self._is_closed = False
        self._client = call(home, patience_s=SILENCE_S_MAX)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection, in the thread that iterates."""
        self._is_closed = True
        self._client.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> NodeChanges:
        """Return the next change.

        Raises NotReachable when the node is gone or silent, UsageError when too many watch it.
        """
        from commonweal.node.control.messages.changes import Watch

        while not self._is_closed:
            last = self._last
            try:
                changes = self._client.ask(
                    Watch(b"", 0) if last is None else Watch(last.epoch, last.number)
                )
            except NotReachable:
                if self._is_closed:
                    break
                raise
            self._last = changes
            if changes.topics:
                return changes
        raise StopIteration

    def close(self) -> None:
        """End the iteration at once; may be called from another thread."""
        self._is_closed = True
        self._client.interrupt()
