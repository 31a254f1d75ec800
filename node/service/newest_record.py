"""The newest record: what a record of this device cites where its log is far behind the others.

A clock follows what its author has seen, so a device that wrote little gives its next record a
place before much that others have folded already. Citing the newest record puts it after that. It
never makes our record wait for a seal: only what the next cut can surely take is cited.
"""

from __future__ import annotations

from commonweal.node.service.replica.replica import Replica
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.logs.log_store import LogRow

LAG_CLOCKS_MIN = 64
"""A record that would stand less than this many clocks behind the newest one does not cite it.

Readers fold so few again at once, and a citation takes 34 bytes.
"""


def newest_record(replica: Replica, device: DeviceKey, clock: int) -> RecordId | None:
    """Return the newest record that a record of `device` with this clock had better follow.

    None where it is not far behind, or where it might wait for a seal longer by that. A light home
    does not know what members have used of their budgets.
    """
    behind = clock + LAG_CLOCKS_MIN
    if replica.clock_max < behind or not replica.quota.is_roomy or replica.light.is_light:
        return None
    rows = (row for row in replica.rows() if row.clock >= behind and row.author != device)
    newest = max(
        (row for row in rows if _can_be_sealed(replica, row)),
        key=lambda row: (row.clock, row.author),
        default=None,
    )
    return None if newest is None else newest.head


def _can_be_sealed(replica: Replica, row: LogRow) -> bool:
    """Whether the next cut can take all of a log: good, signed, and of a member as seals know."""
    return (
        row.frozen is None
        and row.checked >= row.length
        and (replica.sealed_length(row.author) > 0 or not replica.chain.logs)
        and replica.member_of(row.author) is not None
    )
