"""Admissions: whether a fold of membership and the ledger agree on who is a member."""

from __future__ import annotations

from collections.abc import Callable, Container

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import membership, registry
from commonweal.protocol.ledger.state.state import State


def differs(
    state: State,
    waiting: Container[MemberId],
    is_in: Callable[[MemberId, DeviceKey, bool], bool],
) -> bool:
    """Say whether `state` admits somebody who waits in the ledger, or leaves out somebody admitted.

    waiting: members that the ledger knows and has not admitted. is_in: whether seals show that an
    applicant is a member, by their member, device, and whether they were a member before.
    """
    for device in membership.devices(state):
        status = None if device.status is None else device.status.partition(":")[0]
        if status == registry.ACTIVE and device.member in waiting:
            return True
        is_out = status in ("requested", "refused") and device.member not in waiting
        known = registry.member_row(state, device.member)
        back = known is not None and known.status == registry.LEFT
        if is_out and is_in(device.member, device.key, back):
            return True
    return False
