"""The roster: the devices whose gossip is taken in, as one value for the gossip validator.

The validator runs in the loop that moves bytes and reads no disk, so the service hands it
everything that it judges by. A roster is never changed, only replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commonweal.node.service.replica.replica import Replica
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.members.registry import ACTIVE
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.seal.witnesses import witness_devices

ROSTER_MS = 1_000
"""Minimum time between two rosters, unless a seal was made."""


@dataclass(frozen=True, slots=True)
class Roster:
    """What a node knows about the devices that may publish.

    origins: the device of each member's node, by peer key. members: the member of each device.
    authors: the devices without a proof against them. logs: all devices that were ever
    admitted. height, seal: where the chain of seals ends. witnesses: the sets that may certify
    `height` and the next one, by height. candidates: devices that may get a seat after that.
    """

    community: CommunityId
    origins: Mapping[PeerKey, DeviceKey]
    members: Mapping[DeviceKey, MemberId]
    authors: frozenset[DeviceKey]
    logs: frozenset[DeviceKey]
    height: int
    seal: SealId
    witnesses: Mapping[int, tuple[DeviceKey, ...]]
    candidates: frozenset[DeviceKey]


class RosterSource:
    """Makes a roster of a replica when what it says may have changed."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self.reload()

    def reload(self) -> None:
        """Forget the last roster, as at the start and after a commit that failed."""
        self._seal: SealId | None = None
        self._mark: tuple[object, ...] = ()
        self._made_ms = 0

    def renewed(self, candidates: tuple[DeviceKey, ...], now_ms: int) -> Roster | None:
        """Return a roster when the last one may be out of date, else None."""
        replica = self._replica
        seal = replica.chain.seal
        begun = replica.chain.point is not None
        mark = (begun, replica.deciding, replica.convictions, replica.removed, candidates)
        waits = self._seal == seal and now_ms - self._made_ms < ROSTER_MS
        if waits or (self._seal, self._mark) == (seal, mark):
            return None
        self._seal, self._mark, self._made_ms = seal, mark, now_ms
        return self._made(candidates)

    def _made(self, candidates: tuple[DeviceKey, ...]) -> Roster:
        replica, chain = self._replica, self._replica.chain
        origins: dict[PeerKey, DeviceKey] = {}
        members: dict[DeviceKey, MemberId] = {}
        known = membership.devices(replica.ledger.state)
        for device_row in sorted(known, key=lambda device: device.clock):
            if device_row.status == ACTIVE and device_row.member not in replica.removed:
                origins.setdefault(device_row.peer, device_row.key)
                members[device_row.key] = device_row.member
        witnesses = {}
        before, point = chain.point_at(chain.height - 1), chain.point
        for at in (before, point):
            if at is not None:
                witnesses[at.height + 1] = witness_devices(at.witnesses)
        return Roster(
            replica.community,
            origins,
            members,
            frozenset(key for key in members if replica.row(key).frozen is None),
            frozenset(
                device_row.key for device_row in known if replica.was_admitted(device_row.key)
            ),
            chain.height,
            chain.seal,
            witnesses,
            frozenset(candidates),
        )
