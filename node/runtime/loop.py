"""The loop of a real node: hands events to one service and performs its actions.

Events are handled and committed in one worker thread, a batch at a time; the actions of a batch
are performed only after its commit. The trio thread moves bytes and waits for the disk only where
one record came and the disk is fast: the way to the worker and back costs more than such a commit.
When the disk refuses, the batch is undone: its requests are told the error, every connection is
dropped, and the node writes nothing of its own until the disk takes a change again. The loop
never decides what an event means.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, assert_never

import trio

from commonweal.node.runtime.clock import Clock
from commonweal.node.runtime.ports import StateMachine, Transport
from commonweal.node.runtime.worker import Worker
from commonweal.node.service.events import (
    Action,
    Admit,
    AdmitGuest,
    Answer,
    Asked,
    AskLedger,
    Committed,
    Dial,
    Drop,
    Event,
    Publish,
    Request,
    Send,
    SetRoster,
    Started,
    StateRequest,
    Submitted,
    Subscribe,
    Taken,
    Wake,
    Woke,
)
from commonweal.node.service.replica.roster import Roster
from commonweal.node.transport import (
    Connected,
    Disconnected,
    FrameReceived,
    GossipReceived,
    PeerKey,
)
from commonweal.protocol.errors import DiskFailed, StorageError
from commonweal.protocol.wire import frame_codec
from commonweal.storage.records.logs.log_store import Store

log = logging.getLogger(__name__)

BATCH_EVENTS_MAX = 256
BATCH_BYTES_MAX = 1024 * 1024
"""A batch ends with the event that reaches this many bytes: half of what a peer sends before it
waits for us, so that it sends the other half meanwhile."""
WAIT_S_MAX = 10.0
"""Longest sleep, so that a wall clock that was moved is noticed."""
CHECKPOINT_QUIET_S = 2.0
CHECKPOINT_LATE_S = 60.0
"""Longest time between two checkpoints of the write-ahead log, however busy the node is."""
BRIEF_FRAME_BYTES_MAX = 4 * 1024
"""A frame of records up to this size is handled in the trio thread when it came alone."""
BRIEF_S_MAX = 0.005
"""Once a batch that came alone took longer, all batches go to the worker for a while."""
BRIEF_REST_S = 10.0
TIDY_PAUSE_S = 0.1
"""Pause between two portions of records that are packed while the node is idle."""
RETRY_S = 10.0
"""Pause between two trial writes after the disk refused."""
WAKE_MS = 250
"""Pause before the service is woken after the disk refused."""
TRIAL = "disk trial"
"""The setting that a trial write changes."""

T = TypeVar("T")


class Runtime:
    """One service, its inbox, its next wake-up, and its disk.

    The inbox has no limit of its own; its sources have: each peer the budget of its frames, the
    local API the number of its connections.
    """

    def __init__(
        self,
        service: StateMachine,
        store: Store,
        transport: Transport,
        answer: Callable[[Answer], None],
        *,
        assess: Callable[[Request | StateRequest], None] | None = None,
        committed: Callable[[], None] | None = None,
        recognise: Callable[[Roster], None] | None = None,
        now_ms: Callable[[], int] | None = None,
        worker: Worker | None = None,
    ) -> None:
        """Run `service` on `store` and `transport`; no callback may wait.

        answer: takes each answer for the local API. assess: takes each request to the ledger;
        None: nobody answers it. committed: called after each batch that changed the ledger.
        recognise: takes each roster for the gossip validator; None: nothing is gossiped.
        now_ms: the wall clock. worker: the thread that handles and commits.
        """
        self.refusal: StorageError | None = None
        """Why the disk takes no changes now; None as long as it does."""
        self._service, self._store, self._transport = service, store, transport
        self._answer = answer
        self._assess, self._recognise = assess, recognise
        self._committed = committed
        self._is_changed = False
        self._now_ms = now_ms or Clock().now_ms
        self._worker = worker or Worker()
        self._inbox: deque[Event] = deque([Started()])
        self._came = trio.Event()
        self._wake_ms: float = math.inf
        self._retry_at = self._quiet_at = math.inf
        self._is_astray = False
        self._checkpoint_at = self._checkpoint_late_at = math.inf
        self._brief_at = math.inf
        """From this time on a record that came alone is handled in the trio thread."""
        self._tidies = False
        """Whether more is left to tidy, which goes on between two batches."""
        self._linked: dict[PeerKey, None] = {}

    def emit(self, event: Event) -> None:
        """Take in an event, at once, in the trio thread."""
        self._inbox.append(event)
        self._came.set()

    async def look(self, work: Callable[[], T]) -> T:
        """Return what `work` reads from service and store, between two batches."""
        return await self._worker.run(work)

    async def run(self) -> None:
        """Serve until cancelled. Raises faults of our own, after which the node must end."""
        self._dirty()
        try:
            while True:
                await self._wait()
                await self._step()
        finally:
            self._worker.end()

    async def _step(self) -> None:
        """Do what came and what is due."""
        now = trio.current_time()
        if self.refusal is not None and now >= self._retry_at:
            await self._try_disk()
        batch = self._take_batch()
        if batch:
            await self._turn(batch)
        now = trio.current_time()
        if now >= self._checkpoint_late_at or (not self._inbox and now >= self._checkpoint_at):
            self._checkpoint_at = self._checkpoint_late_at = math.inf
            self._tidies = await self._keep(self._checkpoint)
            if self._tidies:
                self._checkpoint_at = trio.current_time() + TIDY_PAUSE_S

    async def _wait(self) -> None:
        """Wait until an event came, or something is due."""
        if self._inbox:
            return await trio.lowlevel.checkpoint()
        self._came = trio.Event()
        now = trio.current_time()
        tidies_at = min(self._checkpoint_at, self._checkpoint_late_at)
        due = min(tidies_at, self._retry_at)
        wake_s = (self._wake_ms - self._now_ms()) / 1000
        with trio.move_on_after(max(0.0, min(due - now, wake_s, WAIT_S_MAX))):
            await self._came.wait()
        return None

    def _take_batch(self) -> list[Event]:
        batch: list[Event] = []
        room = BATCH_BYTES_MAX
        if self._now_ms() >= self._wake_ms:
            self._wake_ms = math.inf
            batch.append(Woke())
        while self._inbox and len(batch) < BATCH_EVENTS_MAX and room > 0:
            event = self._inbox.popleft()
            match event:
                case Connected(peer):
                    self._linked[peer] = None
                case Disconnected(peer):
                    self._linked.pop(peer, None)
                case FrameReceived(_, frame):
                    room -= len(frame)
                case GossipReceived(_, _, data):
                    room -= len(data)
                case Submitted(ticket) if self.refusal is not None:
                    self._answer(Answer(ticket, self.refusal))
                    continue
                case _:
                    pass
            batch.append(event)
        return batch

    async def _turn(self, batch: list[Event]) -> None:
        """Handle a batch, commit it, and only then perform its actions."""
        try:
            actions = await self._handled(batch, self._now_ms())
        except StorageError as error:
            self._tell_changes()
            await self._recover(error, batch)
            return
        self._tell_changes()
        for action in actions:
            self._perform(action)
        self._dirty()

    async def _handled(self, batch: list[Event], now_ms: int) -> list[Action]:
        """Handle a batch in the worker, or at once where that is faster; return its actions."""
        is_brief = len(batch) == 1 and _is_brief(batch[0])
        start = time.monotonic()
        try:
            if is_brief and self._worker.is_idle and start >= self._brief_at:
                return self._handle(batch, now_ms)
            return await self._worker.run(lambda: self._handle(batch, now_ms))
        finally:
            end = time.monotonic()
            if is_brief and end - start > BRIEF_S_MAX:
                self._brief_at = end + BRIEF_REST_S
            elif is_brief and self._brief_at == math.inf:
                self._brief_at = end

    def _handle(self, batch: list[Event], now_ms: int) -> list[Action]:
        """Everything up to the second commit; in the worker, or while the worker is idle."""
        actions: list[Action] = []
        for event in batch:
            actions += self._service.handle(event, now_ms)
        self._commit()
        actions += self._service.handle(Committed(), now_ms)
        self._commit()
        return actions

    def _commit(self) -> None:
        """In the worker: make what was written durable, and note whether there was anything."""
        has_changes = self._store.has_changes
        self._store.commit()
        self._is_changed |= has_changes

    def _tell_changes(self) -> None:
        """Tell the ledger thread of the commits of a batch, once."""
        if self._is_changed and self._committed is not None:
            self._committed()
        self._is_changed = False

    def _perform(self, action: Action) -> None:
        match action:
            case Send(peer, frame):
                self._transport.send(peer, frame)
            case Publish(topic, data):
                self._transport.publish(topic, data)
            case Subscribe(topics):
                self._transport.subscribe(topics)
            case SetRoster(roster):
                if self._recognise is not None:
                    self._recognise(roster)
            case Dial(peer, addresses):
                self._transport.dial(peer, addresses)
            case Admit(peer):
                self._transport.admit(peer)
            case AdmitGuest(peer):
                self._transport.guest(peer)
            case Drop(peer, reason):
                log.info("dropped %s: %s", peer.hex()[:12], reason)
                self._transport.drop(peer, reason)
            case Taken(peer, size):
                self._transport.done(peer, size)
            case Wake(at_ms):
                self._wake_ms = at_ms
            case AskLedger(request):
                if self._assess is not None:
                    self._assess(request)
            case Answer():
                self._answer(action)
            case _:
                assert_never(action)

    # Work for idle times.

    def _dirty(self) -> None:
        """Something may have been written: a checkpoint is due when it is quiet."""
        now = trio.current_time()
        if not self._tidies:
            self._checkpoint_at = now + CHECKPOINT_QUIET_S
        self._checkpoint_late_at = min(self._checkpoint_late_at, now + CHECKPOINT_LATE_S)

    def _checkpoint(self) -> bool:
        """In the worker: tidy some of what was written; return whether more is left to tidy."""
        is_more = self._store.tidy()
        self._store.commit()
        self._store.checkpoint()
        return is_more

    async def _keep(self, work: Callable[[], bool]) -> bool:
        """Do `work` in the worker, outside a batch; return whether it succeeded and had work."""
        try:
            return await self._worker.run(work)
        except StorageError as error:
            await self._recover(error, [])
            return False

    # When the disk refuses.

    async def _recover(self, error: StorageError, batch: list[Event]) -> None:
        """Go back to the last commit; callers get the error, and peers must connect again."""
        if self.refusal is None:
            log.error("%s (%s)", type(error).__doc__, error)
        self.refusal = error
        self._retry_at = trio.current_time() + RETRY_S
        await self._worker.run(self._go_back)
        self._wake_ms = self._now_ms() + WAKE_MS  # not at once: it may be refused again
        for event in batch:
            match event:
                case Submitted(ticket) | Asked(ticket):
                    self._answer(Answer(ticket, error))
                case _:
                    pass
        self._drop_all("this node's disk refused a change")

    def _drop_all(self, reason: str) -> None:
        for peer in list(self._linked):
            self._transport.drop(peer, reason)

    def _go_back(self) -> None:
        """In the worker: return store and service to the state of the last commit.

        A device that failed is opened again. While even that fails, memory and disk differ: the
        store refuses everything, and the next trial tries again.
        """
        self._is_astray = True
        with suppress(StorageError):
            self._return()
            self._service.reload(keeps=False)
            self._is_astray = False

    def _return(self) -> None:
        if isinstance(self.refusal, DiskFailed):
            self._store.reopen()
        else:
            self._store.rollback()

    def _undo(self) -> None:
        """In the worker: undo a trial write that failed, so that reading goes on."""
        if self._is_astray:
            return self._go_back()
        with suppress(StorageError):
            self._return()
        return None

    async def _try_disk(self) -> None:
        """Try a small write; once it is durable the node writes again."""
        stamp = str(self._now_ms()).encode()

        def attempt() -> None:
            if isinstance(self.refusal, DiskFailed):
                self._store.reopen()
            self._store.put_setting(TRIAL, stamp)
            self._store.commit()
            self._is_astray = True
            self._service.reload()
            self._is_astray = False

        try:
            await self._worker.run(attempt)
        except StorageError as error:
            self.refusal = error
            self._retry_at = trio.current_time() + RETRY_S
            if self._is_astray:
                self._drop_all("this node's disk refused a change")
            await self._worker.run(self._undo)
            return
        self.refusal, self._retry_at = None, math.inf
        log.warning("the disk takes changes again")
        self._drop_all("this node begins anew after a failure of its disk")
        self._wake_ms = 0.0
        self._dirty()


def _is_brief(event: Event) -> bool:
    """Whether an event is one record or little more, which takes no longer than its commit."""
    match event:
        case Submitted(_, wishes):
            return len(wishes) == 1
        case FrameReceived(_, frame):
            return len(frame) <= BRIEF_FRAME_BYTES_MAX and frame_codec.is_runs(frame)
        case _:
            return False
