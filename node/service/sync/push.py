"""Live push: what was committed is sent at once to the neighbours that lack it.

Small news is sent whole. Large news, such as a node has while it catches up, is only announced
with `Have`, and a peer that lacks it fetches it from one neighbour. Nothing is sent twice over
a link. `Have` also confirms what is committed, so that an author knows which peers hold a record.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.replica import NEWCOMERS_MAX
from commonweal.node.service.sync.fetch import RecordFetch
from commonweal.node.service.sync.serve import RecordServer
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.wire import messages

PUSH_BYTES_MAX = 64 * 1024
"""News of one log up to this size is sent unasked."""


@dataclass(slots=True)
class _Receipt:
    """What the next `Have` tells a peer: lengths of logs, and frames that it sent and we took."""

    lengths: dict[DeviceKey, int] = field(default_factory=dict)
    frames: int = 0


class Push:
    """News and receipts for every connected peer."""

    def __init__(self, core: Core, record_server: RecordServer, fetch: RecordFetch) -> None:
        self.core, self.record_server, self.fetch = core, record_server, fetch
        self._receipts: dict[PeerKey, _Receipt] = {}

    def left(self, key: PeerKey) -> None:
        """Forget what a peer was still to be told."""
        self._receipts.pop(key, None)

    def took(self, peer: PeerState) -> None:
        """Note that one frame of records that a peer was asked for is taken in."""
        self._of(peer).frames += 1

    def acknowledge(self, peer: PeerState, author: DeviceKey, length: int) -> None:
        """Confirm with the next `Have` how many records of a log are held here."""
        self._of(peer).lengths[author] = length

    def spread(self) -> dict[DeviceKey, int]:
        """Send what was committed; return for each log that grew its length before."""
        replica = self.core.replica
        dirty, replica.dirty = replica.dirty, {}
        self.core.committed()
        for peer in list(self.core.peers.values()):
            if dirty and peer.is_member and peer.compared:
                self._push(peer, dirty)
            self._send_receipt(peer)
        return dirty

    def confirmed(self, peer: PeerState, message: messages.Have) -> None:
        """Take in what a peer holds; go on serving it, and note what it has more."""
        self.record_server.taken(peer, message.took)
        for author, length in message.lengths:
            ours = self.core.replica.row(author).length
            peer.confirm(author, length, ours)
            if length > ours and self._is_wanted(author):
                self.fetch.want(peer, author, length)
        self.record_server.pump(peer)

    # Inside.

    def _of(self, peer: PeerState) -> _Receipt:
        return self._receipts.setdefault(peer.key, _Receipt())

    def _is_wanted(self, author: DeviceKey) -> bool:
        """Say whether more of a log would be taken; logs of unknown newcomers only with room."""
        replica = self.core.replica
        if replica.row(author).length or replica.was_admitted(author):
            return replica.takes(author)
        return replica.sealed_length(author) > 0 or len(replica.newcomers()) < NEWCOMERS_MAX

    def _push(self, peer: PeerState, dirty: dict[DeviceKey, int]) -> None:
        replica, receipt = self.core.replica, self._of(peer)
        runs: list[messages.Run] = []
        haves: list[tuple[DeviceKey, int]] = []
        room = messages.RUNS_BYTES_AIM
        for author, before in dirty.items():
            length = replica.row(author).length
            if peer.theirs.get(author) == length:
                del peer.theirs[author]
                peer.sent.pop(author, None)
                continue
            start = peer.has(author, before)
            if start >= length:
                continue
            peer.theirs.setdefault(author, before)
            if start < before:
                haves.append((author, length))
                continue
            wires = replica.store.wires(author, start, length, PUSH_BYTES_MAX)
            run = self.record_server.closed(author, start, wires)
            size = run.size if run is not None else 0
            if run is None or len(run.wires) < length - start or size > room:
                haves.append((author, length))
                continue
            room -= size
            runs.append(run)
            peer.sent[author] = length
            receipt.lengths.pop(author, None)
        if runs:
            self.core.send(peer, messages.Runs(tuple(runs), 0, asked=False))
        receipt.lengths.update(haves)

    def _send_receipt(self, peer: PeerState) -> None:
        """Send the `Have` that is due: for logs taken from this peer, and for large news."""
        receipt = self._receipts.pop(peer.key, None)
        if receipt is not None and (receipt.lengths or receipt.frames):
            lengths = sorted(receipt.lengths.items())[: messages.RUNS_MAX]
            self.core.send(peer, messages.Have(tuple(lengths), receipt.frames))
