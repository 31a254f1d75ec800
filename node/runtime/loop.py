"""The loop of a real node: it feeds one Service and performs what it asks for.

Everything that came in is handled and committed in one worker thread, a batch at a time;
what the Service wants done is done only after the commit. The trio thread moves bytes and
never waits for the disk. When the disk refuses, the batch is as if it had not come: its
requests are told why, every link is dropped, and the node writes nothing of its own until
the disk takes a change again.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar, assert_never

import trio

from commonweal.node.runtime.worker import Worker
from commonweal.node.service.events import (
    Action,
    Admit,
    Answer,
    Asked,
    AskLedger,
    Committed,
    Dial,
    Drop,
    Event,
    Publish,
    Recognise,
    Request,
    Send,
    Started,
    StateRequest,
    Submitted,
    Subscribe,
    Taken,
    Tolerate,
    Wake,
    Woke,
)
from commonweal.node.service.roster import Roster
from commonweal.node.transport import (
    Connected,
    Disconnected,
    FrameReceived,
    GossipReceived,
    PeerKey,
)
from commonweal.protocol.errors import DiskFailed, StorageError
from commonweal.storage.records.log_store import Store

log = logging.getLogger(__name__)

BATCH_EVENTS_MAX = 256
BATCH_BYTES_MAX = 1024 * 1024
"""A batch ends with the event that reaches this many bytes: half of what a peer sends unasked-for
before it waits for us, so that it sends the next half meanwhile."""
WAIT_S_MAX = 10.0
"""The longest sleep, so that a wall clock that was moved is noticed."""
CHECKPOINT_QUIET_S = 2.0
CHECKPOINT_LATE_S = 60.0
"""A node that is never quiet tidies up and moves the write-ahead log at least so often."""
RETRY_S = 10.0
"""After a refusal of the disk, writing is tried again so often."""
WAKE_MS = 250
"""After a refusal the service is woken so much later."""
TRIAL = "disk trial"
"""The setting that is written to see whether the disk takes changes again."""

T = TypeVar("T")


class StateMachine(Protocol):
    """What the loop needs of a Service."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Take in one event; return what is to be done once it is durable."""

    def reload(self, *, keeps: bool = True) -> None:
        """Forget what was not committed, and every link; write nothing while `keeps` is false."""


class Transport(Protocol):
    """What the loop needs of a network; `node.network.Network` is the libp2p one."""

    def send(self, peer: PeerKey, frame: bytes) -> None:
        """Queue one frame; never waits."""

    def publish(self, topic: str, data: bytes) -> None:
        """Gossip."""

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow exactly these topics."""

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Try to reach a peer."""

    def admit(self, peer: PeerKey) -> None:
        """Lift the limits of strangers."""

    def guest(self, peer: PeerKey) -> None:
        """Let a peer stay, with a guest's limits."""

    def drop(self, peer: PeerKey, reason: str) -> None:
        """Close a link."""

    def done(self, peer: PeerKey, size: int) -> None:
        """A frame is taken in and counts no more."""


class Clock:
    """Wall time that never goes back: ms since 1970."""

    def __init__(self) -> None:
        self._now_ns, self._steady_ns = time.time_ns(), time.monotonic_ns()

    def now_ms(self) -> int:
        """Return the wall time; while the wall is behind what we said, the steady clock's."""
        steady_ns = time.monotonic_ns()
        self._now_ns = max(time.time_ns(), self._now_ns + steady_ns - self._steady_ns)
        self._steady_ns = steady_ns
        return self._now_ns // 1_000_000


class Runtime:
    """One service, its inbox, its next wake-up, and the disk beneath it.

    The inbox itself has no limit: who fills it is limited, each peer by the budget of its
    frames, the local API by its connections.
    """

    def __init__(
        self,
        mind: StateMachine,
        store: Store,
        links: Transport,
        answer: Callable[[Answer], None],
        *,
        assess: Callable[[Request | StateRequest], None] | None = None,
        committed: Callable[[], None] | None = None,
        recognise: Callable[[Roster], None] | None = None,
        now_ms: Callable[[], int] | None = None,
        worker: Worker | None = None,
    ) -> None:
        """Answer: takes each answer to the local API, at once and without waiting.

        assess: takes each question to the ledger in the same way; None: nobody answers it.
        committed: called after each batch that changed the ledger; None: nothing follows it.
        recognise: takes each roster to the validator of gossip; None: nothing is gossiped.
        """
        self.refusal: StorageError | None = None
        """Why the disk takes no changes now; None as long as it does."""
        self._mind, self._store, self._links, self._answer = mind, store, links, answer
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
        self._linked: dict[PeerKey, None] = {}

    def emit(self, event: Event) -> None:
        """Take in an event, at once, in the trio thread."""
        self._inbox.append(event)
        self._came.set()

    async def look(self, work: Callable[[], T]) -> T:
        """Return what `work` reads of service and store, between two batches."""
        return await self._worker.run(work)

    async def run(self) -> None:
        """Serve until cancelled. Raises what is a fault of ours, after which the node must end."""
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
            await self._keep(self._checkpoint)

    async def _wait(self) -> None:
        """Until an event came, or something is due."""
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
        """Handle a batch, commit it, and only then do what it asks for."""
        now_ms = self._now_ms()
        try:
            actions = await self._worker.run(lambda: self._handle(batch, now_ms))
        except StorageError as error:
            self._tell_changes()
            await self._recover(error, batch)
            return
        self._tell_changes()
        for action in actions:
            self._perform(action)
        self._dirty()

    def _handle(self, batch: list[Event], now_ms: int) -> list[Action]:
        """In the worker: everything up to the second commit."""
        actions: list[Action] = []
        for event in batch:
            actions += self._mind.handle(event, now_ms)
        self._commit()
        actions += self._mind.handle(Committed(), now_ms)
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
                self._links.send(peer, frame)
            case Publish(topic, data):
                self._links.publish(topic, data)
            case Subscribe(topics):
                self._links.subscribe(topics)
            case Recognise(roster):
                if self._recognise is not None:
                    self._recognise(roster)
            case Dial(peer, addresses):
                self._links.dial(peer, addresses)
            case Admit(peer):
                self._links.admit(peer)
            case Tolerate(peer):
                self._links.guest(peer)
            case Drop(peer, reason):
                log.info("dropped %s: %s", peer.hex()[:12], reason)
                self._links.drop(peer, reason)
            case Taken(peer, size):
                self._links.done(peer, size)
            case Wake(at_ms):
                self._wake_ms = at_ms
            case AskLedger(request):
                if self._assess is not None:
                    self._assess(request)
            case Answer():
                self._answer(action)
            case _:
                assert_never(action)

    # What is done when nothing else is.

    def _dirty(self) -> None:
        """Something may have been written: a checkpoint is due when it is quiet."""
        now = trio.current_time()
        self._checkpoint_at = now + CHECKPOINT_QUIET_S
        self._checkpoint_late_at = min(self._checkpoint_late_at, now + CHECKPOINT_LATE_S)

    def _checkpoint(self) -> bool:
        self._store.tidy()
        self._store.commit()
        self._store.checkpoint()
        return True

    async def _keep(self, work: Callable[[], bool]) -> bool:
        """Do `work` in the worker, with no batch; say whether it went well and did something."""
        try:
            return await self._worker.run(work)
        except StorageError as error:
            await self._recover(error, [])
            return False

    # When the disk refuses.

    async def _recover(self, error: StorageError, batch: list[Event]) -> None:
        """Go back to the last commit, and let everybody who waits or is linked begin again."""
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
            self._links.drop(peer, reason)

    def _go_back(self) -> None:
        """In the worker: the state of the last commit, in the store and in the service.

        A device that failed is opened again. While even that fails, what is in memory of it
        is not what is on it: the store refuses everything, and the next wake-up tries again.
        """
        self._is_astray = True
        with suppress(StorageError):
            self._return()
            self._mind.reload(keeps=False)
            self._is_astray = False

    def _return(self) -> None:
        if isinstance(self.refusal, DiskFailed):
            self._store.reopen()
        else:
            self._store.rollback()

    def _undo(self) -> None:
        """In the worker: take the trial back, if the disk did not, so that reading goes on."""
        if self._is_astray:
            return self._go_back()
        with suppress(StorageError):
            self._return()
        return None

    async def _try_disk(self) -> None:
        """Write a little; when that is durable the node writes again."""
        stamp = str(self._now_ms()).encode()

        def attempt() -> None:
            if isinstance(self.refusal, DiskFailed):
                self._store.reopen()
            self._store.put_setting(TRIAL, stamp)
            self._store.commit()
            self._is_astray = True
            self._mind.reload()
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
