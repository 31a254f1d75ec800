"""The evidence that a seal names: that a log ends, or that a device voted twice.

Evidence is named by what it says, not by its proof, because nodes may hold different proofs of the
same misbehaviour: two forks of a log, two double votes of a device. Every node that holds one of
the proofs can judge. A proof that ends a log ends it at every later place as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CommunityId

LATER_TRIED_MAX = 4096
"""How many places after the proven end of a log are tried for one that a seal names."""

TRIED_MAX = 64 * 1024
"""How many such places are tried over all logs: a tenth of a second of hashing."""


class Misbehaviour(NamedTuple):
    """What evidence says: logs that end, as (author, seq), and devices that voted twice.

    missing: ids of evidence that no proof held here explains.
    """

    ends: tuple[tuple[DeviceKey, int], ...]
    equivocators: tuple[DeviceKey, ...]
    missing: tuple[bytes, ...] = ()


def log_end_id(community: CommunityId, author: DeviceKey, seq: int) -> bytes:
    """Return the id of the evidence that the log of `author` is void from `seq` on."""
    return keys.hash32(keys.FACT, codec.encode(["log ends", community, author, seq]))


def equivocation_id(community: CommunityId, device: DeviceKey) -> bytes:
    """Return the id of the evidence that `device` voted twice."""
    return keys.hash32(keys.FACT, codec.encode(["voted twice", community, device]))


def evidence_of(community: CommunityId, misbehaviour: Misbehaviour) -> tuple[bytes, ...]:
    """Return the evidence ids that name this misbehaviour, sorted as in a seal."""
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
    """Return what `evidence` says.

    ends: where held proofs end logs, by author. equivocators: devices that held proofs convict. Ids
    that no held proof explains are returned as missing.
    """
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
