"""What a seal's evidence names: that a log ends, or that a device voted twice.

Each is named by what it says, not by the proof that was found for it, since nodes may hold
different proofs of one thing: two forks of a log, two double votes of a device. Whoever holds
any of them can judge. A proof that ends a log ends it at every later place as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CommunityId

LATER_TRIED_MAX = 4096
"""So far behind the place where a log ends here, a seal may say that it ends."""

TRIED_MAX = 64 * 1024
"""So many such places are tried over all logs: a tenth of a second."""


class Misbehaviour(NamedTuple):
    """What evidence says, both by device. missing: the ids that nothing held here explains."""

    ends: tuple[tuple[DeviceKey, int], ...]
    equivocators: tuple[DeviceKey, ...]
    missing: tuple[bytes, ...] = ()


def log_end_id(community: CommunityId, author: DeviceKey, seq: int) -> bytes:
    """Return the id of the fact that the log of `author` is void from `seq` on."""
    return keys.hash32(keys.FACT, codec.encode(["log ends", community, author, seq]))


def equivocation_id(community: CommunityId, device: DeviceKey) -> bytes:
    """Return the id of the fact that `device` voted twice."""
    return keys.hash32(keys.FACT, codec.encode(["voted twice", community, device]))


def evidence_of(community: CommunityId, misbehaviour: Misbehaviour) -> tuple[bytes, ...]:
    """Return the evidence that names these misbehaviour, sorted as a seal has it."""
    ends = (log_end_id(community, author, seq) for author, seq in misbehaviour.ends)
    return tuple(
        sorted(
            [*ends, *(equivocation_id(community, device) for device in misbehaviour.equivocators)]
        )
    )


def resolve(
    community: CommunityId,
    evidence: Iterable[bytes],
    ends: Mapping[DeviceKey, int],
    equivocators: Iterable[DeviceKey],
) -> Misbehaviour:
    """Return what `evidence` says. ends, equivocators: what proofs that are held here say."""
    open_ids = dict.fromkeys(evidence)
    if not open_ids:
        return Misbehaviour((), ())
    ids = {equivocation_id(community, device): device for device in equivocators}
    convicted = [ids[id] for id in open_ids if id in ids]
    wanted = {id for id in open_ids if id not in ids}
    ended: list[tuple[DeviceKey, int]] = []
    for author, seq in ends.items():
        id = log_end_id(community, author, seq)
        if id in wanted:
            ended.append((author, seq))
            wanted.discard(id)
    later = min(LATER_TRIED_MAX, TRIED_MAX // max(1, len(ends)))
    for author, first in ends.items():
        if not wanted:
            break
        for seq in range(first + 1, first + later):
            id = log_end_id(community, author, seq)
            if id in wanted:
                ended.append((author, seq))
                wanted.discard(id)
    missing = tuple(id for id in open_ids if id in wanted)
    return Misbehaviour(tuple(sorted(ended)), tuple(sorted(convicted)), missing)
