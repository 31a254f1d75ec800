"""Room: how much of what members write this node keeps before a seal has covered it."""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.node.replica import Replica
from commonweal.protocol.record import Record

BRANCH_RECORDS_MAX, BRANCH_BYTES_MAX = 65_536, 32 * 1024 * 1024
"""So much is kept of the void branches of one frozen log; what a seal covers of it is taken.

They count for nothing, and are kept because other logs cite them. Who cites what lies beyond
waits with it.
"""


def of_branch(replica: Replica, branch: Sequence[Record]) -> Sequence[Record]:
    """Return the beginning of a void branch for which there is room."""
    author = branch[0].author
    count, size = replica.store.branch_size(author)
    sealed = replica.sealed_length(author)
    for number, record in enumerate(branch):
        if replica.store.clock_of(record.id) is not None:
            continue
        count, size = count + 1, size + len(record.wire)
        is_over = count > BRANCH_RECORDS_MAX or size > BRANCH_BYTES_MAX
        if is_over and record.seq >= sealed:
            return branch[:number]
    return branch
