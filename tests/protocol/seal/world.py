"""The world of the agreement alone: a virtual clock, a network, weather; all from a seed.

Until `calm_ms` messages are late or lost, groups are cut off, witnesses crash between any
two actions; from then on a message takes at most 50 ms and nobody crashes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.consensus import events
from commonweal.protocol.seal.formats import (
    Proposal,
    proposal_from_bytes,
    proposal_to_bytes,
)
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.votes import SealId, Step, Vote
from tests.protocol.seal.witness import COMMUNITY, LOGS, Witness

FAULTS = (
    *("silent", "withholding", "late", "clock", "narrow", "greedy", "root"),
    *("two-faced", "erratic"),
)
SYNC_MS = 1_000


class World:
    """`size` witnesses, of which the last ones have `faults`."""

    def __init__(
        self,
        seed: int,
        size: int,
        faults: tuple[str, ...] = (),
        heights: int = 6,
        calm_ms: int = 20_000,
        durable: bool = True,
        split: bool = False,
    ) -> None:
        self.chance = Random(seed)
        self.size, self.heights, self.calm_ms = size, heights, calm_ms
        self.durable, self.split = durable, split
        self.loss = self.chance.choice((0, 20, 60))
        self.slow_ms = self.chance.choice((100, 1_500, 6_000))
        self.crash_rate = self.chance.choice((0, 10, 40))
        self.now_ms = 0
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.precommits: dict[tuple[int, int, SealId], dict[DeviceKey, None]] = {}
        self.witnesses: list[Witness] = []
        for number in range(size):
            fault = faults[number - size] if number >= size - len(faults) else ""
            groups = (0, 1) if fault == "two-faced" else (number % 2,)
            self.witnesses += [Witness(self, number, fault, group) for group in groups]
        self.honest = [one for one in self.witnesses if not one.fault]
        for one in self.witnesses:
            self.at(self.chance.randrange(500), one.begin)
            self.at(self.chance.randrange(SYNC_MS), lambda one=one: self._sync(one))  # type: ignore[misc]
        self._write()

    @property
    def is_calm(self) -> bool:
        return self.now_ms >= self.calm_ms

    def at(self, delay_ms: int, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (self.now_ms + delay_ms, self._count, what))

    def run(self, until_ms: int, done: Callable[[], bool] = lambda: False) -> bool:
        """Go on until `done`, or until the time is over; say whether it is done."""
        while self._agenda and self._agenda[0][0] <= until_ms:
            if done():
                return True
            self.now_ms, _, what = heapq.heappop(self._agenda)
            what()
        return done()

    def all_sealed(self, height: int) -> bool:
        return all(len(one.sealed) >= height for one in self.honest)

    # Weather.

    def delay(self) -> int:
        return self.chance.randrange(1, 50 if self.is_calm else self.slow_ms)

    def crashes(self) -> bool:
        return not self.is_calm and self.chance.randrange(1000) < self.crash_rate

    def _is_cut_off(self, one: Witness, two: Witness) -> bool:
        if self.is_calm:
            return False
        if self.split:
            return one.group != two.group
        return self.chance.randrange(100) < self.loss

    # Messages.

    def send(self, sender: Witness, message: events.Message) -> None:
        if isinstance(message, Vote) and message.step is Step.PRECOMMIT and message.seal:
            place = (message.height, message.round, message.seal)
            self.precommits.setdefault(place, {})[message.device] = None
        if isinstance(message, Proposal):  # through the door, as whatever comes from outside
            assert proposal_from_bytes(proposal_to_bytes(message), COMMUNITY) == message
        for receiver in self.witnesses:
            self._send(sender, receiver, message)

    def _send(self, sender: Witness, receiver: Witness, message: events.Message) -> None:
        if sender.number == receiver.number or self._is_cut_off(sender, receiver):
            return
        faces = "two-faced" in (sender.fault, receiver.fault)
        if faces and sender.group != receiver.group:
            return
        if sender.fault == "withholding" and self.chance.randrange(2):
            return
        extra = self.chance.randrange(8_000) if sender.fault == "late" else 0
        self.at(self.delay() + extra, lambda: self._deliver(receiver, message))

    def _deliver(self, receiver: Witness, message: events.Message) -> None:
        receiver.tell(events.MessageReceived(message))
        if receiver.fault == "erratic" and self.chance.randrange(20) == 0:
            receiver.babble()

    def ask_for_proposal(self, asker: Witness, round_: int, seal: SealId) -> None:
        peer = self._peer(asker)
        if peer.height == asker.height and peer.up:
            proposal = peer.agreement.proposal(round_, seal)
            if proposal is not None:
                self._send(peer, asker, proposal)

    def _peer(self, one: Witness) -> Witness:
        others = [peer for peer in self.witnesses if peer.number != one.number]
        return self.chance.choice(others) if others else one

    def _sync(self, one: Witness) -> None:
        """Compare with a random peer, as anti-entropy does: votes, or heights it has sealed."""
        self.at(SYNC_MS, lambda: self._sync(one))
        peer = self._peer(one)
        if not (one.up and peer.up) or self._is_cut_off(one, peer) or peer.fault == "silent":
            return
        for log in LOGS:
            one.held[log] = max(one.held[log], peer.held[log])
        if peer.height == one.height:
            for message in peer.agreement.held():
                self._send(peer, one, message)
        for height in (one.height - 1, one.height):
            if 0 < height <= len(peer.sealed):
                one.learn(*peer.sealed[height - 1])

    # Records.

    def _write(self) -> None:
        writer = self.chance.choice(self.witnesses)
        log = self.chance.choice(LOGS)
        writer.held[log] = self.published(log) + 1
        self.at(self.chance.randrange(200, 2_000), self._write)

    def published(self, log: DeviceKey) -> int:
        """How much of a log an honest witness can have from somebody."""
        return max((one.held[log] for one in self.honest), default=0)

    # What must hold.

    def certified(self) -> dict[int, dict[SealId, None]]:
        """By height, every seal for which a quorum ever signed, whoever saw it."""
        needed = quorum_of(self.size).needed
        seals: dict[int, dict[SealId, None]] = {}
        for (height, _, seal), devices in self.precommits.items():
            if len(devices) >= needed:
                seals.setdefault(height, {})[seal] = None
        return seals

    def check_safe(self) -> None:
        for height, seals in self.certified().items():
            assert len(seals) == 1, f"{len(seals)} certificates at height {height}"
        honest = {one.signer.key for one in self.honest}
        for one in self.witnesses:
            assert not honest & set(one.guilty), "a witness who keeps the rules is convicted"
            assert one.fault or not one.forks
