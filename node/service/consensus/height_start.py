"""When this device begins the next height: what waits, who asked, and what speaks against it.

A height begins when records waited long enough, a member asks, or other witnesses began. Where
nothing waits, no height begins. This part decides when; the reactor begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from commonweal.node.service.consensus.clocks import is_clock_doubtful
from commonweal.node.service.core import Core
from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.cut import FULL_CUT_RECORDS
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.timing import SealDemand, due_at, is_due
from commonweal.protocol.seal.witnesses import Witness, witness_devices

if TYPE_CHECKING:
    from commonweal.storage.consensus.view import ConsensusView

URGENT_MS = 2_000
"""How long a record that decides something waits for others, to be sealed with them."""
PRESENT_MS = 15_000
"""After this time without a link or a message a witness is missing."""
ABREAST_MS = 10_000
"""After this time since the first link a node takes part, though peers say that it is behind."""


class WitnessPresence:
    """Which witnesses are linked or were heard of late."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._heard_ms: dict[DeviceKey, int] = {}

    def heard(self, device: DeviceKey) -> None:
        """Note that a message of a witness came, over any link."""
        self._heard_ms[device] = self.core.now_ms

    def lost(self, device: DeviceKey) -> None:
        """Note that the link of a device ended: a witness there is missing until it is heard."""
        self._heard_ms.pop(device, None)

    def keep(self, seated: Iterable[DeviceKey]) -> None:
        """Forget the devices that are not in the set any more."""
        self._heard_ms = {key: at_ms for key, at_ms in self._heard_ms.items() if key in seated}

    def missing(self, witnesses: Iterable[Witness]) -> tuple[Witness, ...]:
        """Return the witnesses that are neither linked nor were heard for PRESENT_MS."""
        here = {self.core.me.device, *(peer.device for peer in self.core.members())}
        since_ms = self.core.now_ms - PRESENT_MS
        return tuple(
            witness
            for witness in witnesses
            if witness.device not in here
            and self._heard_ms.get(witness.device, since_ms) <= since_ms
        )


class HeightStart:
    """The conditions under which this device takes part in the next height."""

    def __init__(self, core: Core, chain: SealChain) -> None:
        self.core, self.chain = core, chain
        self.outlook: ConsensusView | None = None
        """What the ledger said last; None before it said anything."""
        self._linked_ms = 0
        self.next_height()

    def next_height(self) -> None:
        """Begin to wait for the height after the last seal."""
        self.since_ms: int | None = None
        """Since when something waits for this height."""
        before = self.outlook
        follows = before is not None and before.height + 1 == self.chain.height
        self.is_rest = follows and before is not None and before.unsealed > before.cut_records
        """Whether the last cut was full and left records out, which have waited long enough."""
        self.is_asked = False
        """Whether somebody asked for this height, or began it."""
        self.is_urged = bool(self.chain.seals.votes(self.chain.height + 1))
        """Whether the height has begun for certain, so that nothing needs to wait."""
        self._begun: dict[DeviceKey, None] = {}

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The set for the next height; empty while the founding record is not known."""
        return self.chain.point.witnesses if self.chain.point else ()

    def concluded(self, outlook: ConsensusView) -> bool:
        """Take in what the ledger says; return whether it says it of the end of the chain."""
        self.outlook = outlook
        if outlook.end != self.chain.end:
            return False
        if not outlook.unsealed:
            self.since_ms, self.is_rest = None, False
        elif self.since_ms is None:
            self.since_ms = self.core.now_ms
        return True

    def waits(self) -> bool:
        """Say whether something waits for the next seal, as far as the ledger said."""
        demand = self._demand()
        is_late = demand.deadline_ms is not None and demand.deadline_ms <= self.core.now_ms
        return demand.oldest_ms is not None or is_late

    def began_elsewhere(self, devices: Iterable[DeviceKey]) -> None:
        """Note that these witnesses have begun the height.

        When more have begun than may lie, this device begins too, though nothing waits here.
        """
        seated = witness_devices(self.witnesses)
        others = [key for key in devices if key in seated and key != self.core.me.device]
        self._begun.update(dict.fromkeys(others))
        self.is_asked = True
        if len(self._begun) > quorum_of(len(seated)).lies:
            self.is_urged = True

    def may_begin(self, *, has_request: bool) -> bool:
        """Say whether this device may take part. has_request: a member of this node asks for it."""
        outlook, me = self.outlook, self.core.me.device
        if outlook is None or outlook.end != self.chain.end:
            return False
        asked = self.is_asked or has_request
        is_off = is_clock_doubtful(self.core, self.chain.point, is_asked=asked)
        may_seal = self.chain.fork is None and self.core.keeps and not is_off
        may_seal = may_seal and self.chain.is_whole  # this device voted on what is damaged
        may_seal = may_seal and not self.core.replica.light.is_light
        is_seated = me in witness_devices(self.witnesses)
        may_seal = may_seal and (is_seated or me in outlook.candidates)
        return may_seal and (len(self.witnesses) == 1 or self._is_abreast())

    def is_due(self) -> bool:
        """Say whether the height is to begin now."""
        return self.is_urged or is_due(self._demand(), self.core.now_ms, self._interval_ms())

    @property
    def due_ms(self) -> int | None:
        """When the height is to begin; None when nothing waits."""
        return due_at(self._demand(), self._interval_ms())

    def _demand(self) -> SealDemand:
        deadline = self.outlook.deadline_ms if self.outlook is not None else None
        return SealDemand(self.since_ms, deadline, self.is_asked)

    def _interval_ms(self) -> int:
        """Return how long what waits may wait: not at all if it fills a cut, or one left it.

        A candidate begins earlier, to be seen in time.
        """
        outlook = self.outlook
        if outlook is None:
            return URGENT_MS
        if self.is_rest or outlook.unsealed >= FULL_CUT_RECORDS:
            return 0
        most = URGENT_MS if outlook.is_urgent else outlook.interval_ms
        is_seated = self.core.me.device in witness_devices(self.witnesses)
        return min(most, outlook.interval_ms) // (1 if is_seated else 2)

    def _is_abreast(self) -> bool:
        """Say whether some member was compared with, and none says that it is further.

        A home that is an older copy of itself would contradict what it said before. Since a
        member may lie, this is waited for no longer than ABREAST_MS.
        """
        members, now_ms = self.core.members(), self.core.now_ms
        self._linked_ms = self._linked_ms or (now_ms if members else 0)
        if not any(peer.compared for peer in members):
            return False
        device = self.core.me.device
        mine = self.core.replica.row(device).length
        return now_ms - self._linked_ms >= ABREAST_MS or all(
            peer.height <= self.chain.height and peer.theirs.get(device, 0) <= mine
            for peer in members
        )
