"""State sync: fetching a sealed state from members, and serving ours.

Records follow by the usual ways, many of them only once the state is here. Each chunk is checked
against the state root of a seal of our own chain. A member that gives another state is asked for
its seal of that height (it may stand on another branch), and the next member goes on where it
ended. If no member gives a state, the records are folded, which is slower and has the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from commonweal.node.service.core import Core
from commonweal.node.service.events import (
    AbandonState,
    AskLedger,
    AwaitState,
    CheckStateChunk,
    ReadStateChunk,
    StateAnswered,
)
from commonweal.node.service.peer import PeerState
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.ledger.checkpoint.snapshot import CHUNK_BYTES_MAX
from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.wire.state_sync import PART_BYTES_MAX, StateMessage, StatePart, WantState

if TYPE_CHECKING:
    from commonweal.node.service.consensus.reactor import Reactor
    from commonweal.storage.consensus.offers import Offer

RECORDS_MIN = 5_000
"""With fewer sealed records, folding them is faster than fetching a state."""

PATIENCE_MS = 5_000
"""Time that a member has for one part; then another member is asked."""

GIVE_UP_MS = 60_000
"""After this time without a chunk the records are folded instead."""

TAKE_MS_MAX = 15 * 60 * 1000
"""The longest time that folding waits, even if chunks keep coming."""

FIRST_MS_MAX = 60_000
"""Records wait for a state no longer than this after the last chunk that was right.

Before the first one the giver makes an offer: of a million rows in some 10 s, on a busy machine in
more than 30 s. Records that are sent meanwhile take the processor from it.
"""

GIVERS_ASKED_MAX = 32
"""Peers' requests that wait for the ledger; further ones are ignored and come again.

One counts until it is answered, also where the peer has left meanwhile.
"""


@dataclass(slots=True)
class _Transfer:
    """What is being fetched: from which peer, which chunk, and how much of it has come.

    While the ledger checks a chunk, the next one is fetched. offer: None before the first answer.
    since_ms: of the last step; began_ms: of the last chunk that was right. number: of the chunk
    that is fetched; data: what of it has come; None before it is asked for. is_whole: all of it
    has come, and it waits for the check of the one before. checked: number of the chunk that the
    ledger has; None when it has answered.
    """

    peer: PeerKey
    number: int
    since_ms: int
    began_ms: int
    offer: Offer | None = None
    data: bytearray | None = None
    is_whole: bool = False
    checked: int | None = None

    @property
    def waits_for_peer(self) -> bool:
        """Whether the peer is to send something."""
        return not self.is_whole and (self.offer is None or self.number < self.offer.chunks)


class StateSync:
    """The state that this node fetches, and the chunks that it serves."""

    def __init__(self, core: Core, reactor: Reactor) -> None:
        self.core, self.reactor, self.chain = core, reactor, reactor.chain
        self.reload()

    def reload(self) -> None:
        """Begin anew, as at the start and after a commit that failed."""
        self._taking: _Transfer | None = None
        self.silent: dict[PeerKey, None] = {}
        """Peers that gave nothing, or a wrong state, and are asked last."""
        self._asks: dict[ReadStateChunk, list[tuple[PeerKey, int]]] = {}
        self._is_over = self._is_awaited = self._was_folded = False
        self._since_ms: int | None = None
        """Since when it could begin."""
        self._told_ms: int | None = None
        """Since when members say that there are seals."""

    def left(self, key: PeerKey) -> None:
        """Forget the chunks that a peer asked for; which peers gave none stays known."""
        for request, wishes in list(self._asks.items()):
            self._asks[request] = [wish for wish in wishes if wish[0] != key]

    @property
    def comes_first(self) -> bool:
        """Whether many records are fetched later, since a state comes or is about to be asked for.

        The processor and the link of a newcomer, and of its giver, are then the state's.
        """
        if self._is_over or self._is_folded() or not self.core.keeps:
            return False
        if self._taking is not None:
            return self.core.now_ms - self._taking.began_ms < FIRST_MS_MAX
        since_ms = self.core.now_ms if self._told_ms is None else self._told_ms
        is_recent = self.core.now_ms - since_ms < FIRST_MS_MAX
        return self._is_awaited and is_recent and self._is_told_of_seals()

    # What happens.

    def started(self) -> None:
        """Hold the folding of a node that has no seals yet, until it is known which way to go."""
        is_newcomer = self.core.replica.store.id_at(self.core.me.device, 0) != RecordId(
            self.chain.community
        )
        self._is_awaited = not self.chain.seals.height and is_newcomer
        if self._is_awaited:
            self.core.do(AskLedger(AwaitState()))

    def receive(self, peer: PeerState, message: StateMessage) -> None:
        """Take in a member's message. Raises nothing."""
        match message:
            case WantState():
                self._asked(peer, message)
            case StatePart():
                self._part(peer, message)
            case _:
                assert_never(message)

    def stated(self, event: StateAnswered) -> None:
        """Take in an answer of the ledger."""
        match event.request:
            case ReadStateChunk():
                self._give(event.request, event)
            case CheckStateChunk():
                self._took(event)
            case AwaitState() | AbandonState():
                pass
            case _:
                assert_never(event.request)

    def tick(self) -> None:
        """Begin when due, ask another peer when one is silent, and end what leads nowhere."""
        taking, now = self._taking, self.core.now_ms
        if self._told_ms is None and self._is_told_of_seals():
            self._told_ms = now
        self._notice_loss()
        if taking is None:
            self._begin()
        elif self._leads_nowhere(taking):
            self._end()
        elif taking.waits_for_peer and now - taking.since_ms > PATIENCE_MS:
            self.silent[taking.peer] = None
            self._ask(taking.began_ms)

    def _notice_loss(self) -> None:
        """Let a state be fetched again where a light home lost the one that it had.

        The disk may change a state while the node runs. What a light home dropped it cannot fold.
        """
        if self._is_folded():
            self._was_folded = True
        elif self._was_folded and self.core.replica.light.has_bases:
            self._was_folded = self._is_over = False
            self._since_ms = None

    def _leads_nowhere(self, taking: _Transfer) -> bool:
        """Whether the time for the next chunk is over, or that for all of them."""
        waits_for_chunk = taking.checked is None
        is_late = waits_for_chunk and self.core.now_ms - taking.began_ms > GIVE_UP_MS
        return is_late or self._waited_ms() > TAKE_MS_MAX

    # Giving.

    def _asked(self, peer: PeerState, message: WantState) -> None:
        request = ReadStateChunk(message.height, message.number)
        if sum(max(len(wishes), 1) for wishes in self._asks.values()) >= GIVERS_ASKED_MAX:
            return
        if request not in self._asks:
            self.core.do(AskLedger(request))
        self._asks.setdefault(request, []).append((peer.key, message.offset))

    def _give(self, request: ReadStateChunk, event: StateAnswered) -> None:
        for key, offset in self._asks.pop(request, ()):
            peer = self.core.peers.get(key)
            if peer is None or not peer.is_member:
                continue
            part = StatePart(0, 0, 0, 0, 0, b"")
            if isinstance(event.answer, tuple):
                offer, data = event.answer
                some = data[offset : offset + PART_BYTES_MAX]
                if some:
                    part = StatePart(*offer, request.number, len(data), offset, some)
            self.core.send(peer, part)

    # Taking.

    def _begin(self) -> None:
        """Begin to fetch a state when nothing is folded here and many records are sealed.

        It does not matter how many of them are here. What an earlier process began and did not
        end is ended here, too.
        """
        outlook, chain, now = self.reactor.outlook, self.chain, self.core.now_ms
        if self._is_over or outlook is None or not self.core.keeps:
            return
        if not chain.seals.height:
            return
        if self._since_ms is None:
            self._since_ms = now
        members = [peer for peer in self.core.members() if peer.follows_seals]
        if self._is_folded() or chain.fork is not None or self._waited_ms() > GIVE_UP_MS:
            self._end()
        elif members and all(peer.height <= chain.height for peer in members):
            count = sum(log.length for log in chain.logs.values())
            is_little = count < RECORDS_MIN and not self.core.replica.light.has_bases
            if is_little or not self._can_check(chain.height):
                self._end()
            else:
                self.core.do(AskLedger(AwaitState()))
                self._ask(began_ms=now)

    def _can_check(self, height: int) -> bool:
        """Whether the seal of a height names the root of a state as this program lays it out."""
        kept = self.chain.sound.at(height)
        return kept is not None and kept.sealed.seal.fold == FOLD

    def _is_folded(self) -> bool:
        """Say whether a seal is folded here, as far as the ledger said."""
        outlook = self.reactor.outlook
        return outlook is not None and bytes(outlook.seal) != self.chain.community

    def _is_told_of_seals(self) -> bool:
        return any(peer.height for peer in self.core.members() if peer.follows_seals)

    def _waited_ms(self) -> int:
        return 0 if self._since_ms is None else self.core.now_ms - self._since_ms

    def _end(self) -> None:
        """Fold the records instead; a light home that lacks them tries again."""
        if self.core.replica.light.has_bases and not self._is_folded():
            self._taking, self._since_ms = None, None
            return
        self._taking, self._is_over = None, True
        self.core.do(AskLedger(AbandonState()))

    def _ask(self, began_ms: int) -> None:
        """Ask a member who may have a state for the first chunk; the ledger says what is next."""
        able = self._able()
        if not able:
            self.silent.clear()
            able = self._able()
        if not able:
            self._taking = _Transfer(PeerKey(b""), 0, self.core.now_ms, began_ms)
            return
        peer = self.core.rng.choice(able)
        self._taking = _Transfer(peer.key, 0, self.core.now_ms, began_ms)
        self._want(peer)

    def _able(self) -> list[PeerState]:
        """Return the members who may have a state, and gave neither none nor a wrong one yet."""
        return [
            member
            for member in self.core.members()
            if member.follows_seals and member.height and member.key not in self.silent
        ]

    def _want(self, peer: PeerState) -> None:
        taking = self._taking
        assert taking is not None, "something is being taken"
        taking.since_ms = self.core.now_ms
        height = taking.offer.height if taking.offer is not None else 0
        offset = len(taking.data) if taking.data is not None else 0
        self.core.send(peer, WantState(height, taking.number, offset))

    def _part(self, peer: PeerState, part: StatePart) -> None:
        from commonweal.storage.consensus.offers import Offer

        taking = self._taking
        if taking is None or taking.peer != peer.key or not taking.waits_for_peer:
            return
        offer = Offer(part.height, part.depth)
        is_known = 0 < part.height <= self.chain.height and self._can_check(part.height)
        if not is_known or (taking.offer or offer) != offer:
            self.silent[peer.key] = None
            if part.height or self._able():
                self._ask(taking.began_ms)
            return  # where nobody has a state now, `tick` asks again
        data = bytearray() if taking.data is None else taking.data
        if part.number != taking.number or part.offset != len(data):
            return
        taking.offer, taking.data = offer, data + part.data
        assert len(taking.data) <= CHUNK_BYTES_MAX, "no message names a larger one"
        if len(taking.data) < part.size:
            self._want(peer)
        else:
            taking.is_whole = True
            self._check(peer)

    def _check(self, peer: PeerState | None) -> None:
        """Hand the chunk that has come to the ledger, if that is free, and fetch the next one."""
        taking = self._taking
        if taking is None or taking.checked is not None or not taking.is_whole:
            return
        assert taking.offer is not None and taking.data is not None, "a chunk has come"
        data, number = bytes(taking.data), taking.number
        self.core.do(AskLedger(CheckStateChunk(taking.offer, number, data)))
        taking.checked, taking.is_whole = number, False
        self._fetch(number + 1, peer)

    def _fetch(self, number: int, peer: PeerState | None) -> None:
        taking = self._taking
        assert taking is not None, "something is being taken"
        taking.number, taking.data, taking.is_whole = number, None, False
        taking.since_ms = self.core.now_ms
        if peer is not None and taking.waits_for_peer:
            self._want(peer)

    def _took(self, event: StateAnswered) -> None:
        """Go on with the next chunk, or doubt the peer that gave a wrong one."""
        from commonweal.storage.consensus.snapshots import SnapshotProgress

        taking = self._taking
        request = event.request
        if taking is None or not isinstance(request, CheckStateChunk):
            return
        if (taking.offer, taking.checked) != (request.offer, request.number):
            return
        peer = self.core.peers.get(taking.peer)
        taking.checked = None
        if isinstance(event.answer, SnapshotProgress):
            wanted = event.answer.wanted
            if wanted is None:
                self._taking, self._is_over = None, True
                return
            taking.began_ms = self.core.now_ms
            if taking.number != wanted:  # an earlier process placed some
                self._fetch(wanted, peer)
            self._check(peer)
            return
        if peer is not None and taking.offer is not None:
            reason = f"gives a state that is not the seal's: {event.answer}"
            self.reactor.chain_sync.doubt(peer, taking.offer.height, reason)
        self.silent[taking.peer] = None
        self._ask(taking.began_ms)
