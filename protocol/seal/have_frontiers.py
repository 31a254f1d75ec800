"""Have-frontiers: what each witness holds, signed, and the least cut that is fair to them.

At the start of a height each witness signs how far it holds each log beyond the last cut. A fresh
proposal has the have-frontiers of a quorum and covers of each log at least the (f+1)-th largest
length: of f+1 witnesses one is honest, so a proposer cannot omit what f+1 of them hold. (Compare
vote extensions in ABCI++.) Building a cut is left to the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import HASH_BYTES, KEY_BYTES, DeviceKey
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.cut import FULL_CUT_BYTES, Cut, Delta, SealedLog, length_in
from commonweal.protocol.seal.field_checks import is_ascending, is_count
from commonweal.protocol.seal.quorum import WITNESSES_MAX, quorum_of
from commonweal.protocol.seal.votes import SealId, VoteSigner

HAVE_RECORDS_MAX = 25_000
"""Records beyond the last cut in one have-frontier: the first ones in (clock, id) order.

Such a prefix is closed under citations. A quorum of have-frontiers never demands more than a cut
may contain, since q / (f + 1) is at most 2.
"""

HAVE_BYTES_MAX = FULL_CUT_BYTES
"""Bytes of these records together; the last one may begin before this and end after it."""

HAVE_LOGS_MAX = 2048
HAVES_LOGS_MAX = 12_288
"""Logs in all have-frontiers of one proposal together, so that it fits a frame."""

HAVE_VALUES_MAX = 6 + 3 * HAVE_LOGS_MAX
"""Values in one have-frontier."""

Lengths: TypeAlias = tuple[tuple[DeviceKey, int], ...]

Least: TypeAlias = Mapping[DeviceKey, int]
"""The least length of each of these logs in a fair cut, by author."""


@dataclass(frozen=True, slots=True)
class HaveFrontier:
    """How far `device` holds the logs beyond the cut of seal `prev`; logs ascend by author."""

    height: int
    prev: SealId
    device: DeviceKey
    logs: Lengths
    signature: bytes


def have_logs_max(witnesses: int) -> int:
    """Return the number of logs that one have-frontier may name in a set of `witnesses`."""
    return min(HAVE_LOGS_MAX, HAVES_LOGS_MAX // quorum_of(witnesses).needed)


def sign_have(
    signer: VoteSigner, community: CommunityId, height: int, prev: SealId, logs: Iterable[SealedLog]
) -> HaveFrontier:
    """Return the signer's have-frontier. logs: logs beyond the last cut, in any order."""
    lengths = tuple(sorted((log.author, log.length) for log in logs))
    data = keys.signed_array(keys.HAVE_CONTEXT, community, height, prev, _listed(lengths))
    return HaveFrontier(height, prev, DeviceKey(signer.key), lengths, signer.sign(data))


def have_fields(have: HaveFrontier) -> list[codec.Value]:
    """Return the fields of `have`, for a larger message."""
    return [have.height, have.prev, have.device, _listed(have.logs), have.signature]


def have_to_bytes(have: HaveFrontier) -> bytes:
    """Return the bytes of `have` as sent."""
    return codec.encode(have_fields(have))


def have_from_bytes(data: bytes, community: CommunityId) -> HaveFrontier:
    """Return the have-frontier in `data`, verified. Raises `Malformed` or `BadSignature`."""
    return read_have(codec.decode(data, values_max=HAVE_VALUES_MAX), community)


def read_have(value: Any, community: CommunityId) -> HaveFrontier:
    """Return the have-frontier with these `have_fields`, verified; raises as `have_from_bytes`."""
    match value:
        case [height, bytes(prev), bytes(device), list(pairs), bytes(signature)] if (
            is_count(height)
            and height > 0
            and len(prev) == HASH_BYTES
            and len(pairs) <= HAVE_LOGS_MAX
        ):
            logs = tuple(map(_length, pairs))
            if not is_ascending([author for author, _ in logs]):
                raise Malformed("the logs of a have-frontier are not sorted")
            fields = (community, height, prev, pairs)
            keys.check_array(device, signature, keys.HAVE_CONTEXT, *fields)
            return HaveFrontier(height, SealId(prev), DeviceKey(device), logs, signature)
        case _:
            raise Malformed("not a have-frontier")


def fair_lengths(haves: Sequence[HaveFrontier], last: Cut, lies: int) -> dict[DeviceKey, int]:
    """Return the least length of each log in a fair cut, by author; other logs need not grow.

    haves: of witnesses, one each. lies: f of the set. The result is the (f+1)-th largest length
    of each log; a have-frontier without the log counts with its length in `last`.
    """
    shown: dict[DeviceKey, list[int]] = {}
    for have in haves:
        for author, length in have.logs:
            shown.setdefault(author, []).append(length)
    least = {}
    for author in sorted(shown):
        lengths = sorted(shown[author], reverse=True)
        if len(lengths) > lies and lengths[lies] > length_in(last, author):
            least[author] = lengths[lies]
    return least


def select_have_frontiers(
    haves: Iterable[HaveFrontier], seated: Sequence[DeviceKey]
) -> tuple[HaveFrontier, ...]:
    """Return the have-frontiers that fit one proposal, by device; those of `seated` first.

    When witnesses keep to `have_logs_max`, those of a quorum always fit.
    """
    chosen, room = [], HAVES_LOGS_MAX
    for have in sorted(haves, key=lambda have: (have.device not in seated, have.device)):
        if len(have.logs) <= min(room, have_logs_max(len(seated))):
            chosen.append(have)
            room -= len(have.logs)
    return tuple(sorted(chosen[:WITNESSES_MAX], key=lambda have: have.device))


def left_out(
    least: Mapping[DeviceKey, int], delta: Delta, last: Cut, excused: Iterable[DeviceKey] = ()
) -> tuple[DeviceKey, ...]:
    """Return the logs that are shorter than `least` after `delta`, by author.

    excused: logs that evidence in the seal freezes; they end with their valid part.
    """
    reached = {log.author: log.length for log in delta.logs}
    frozen = dict.fromkeys(excused)
    return tuple(
        author
        for author, length in least.items()
        if author not in frozen and reached.get(author, length_in(last, author)) < length
    )


def _listed(lengths: Lengths) -> list[codec.Value]:
    return [[*pair] for pair in lengths]


def _length(value: Any) -> tuple[DeviceKey, int]:
    match value:
        case [bytes(author), length] if len(author) == KEY_BYTES and is_count(length) and length:
            return DeviceKey(author), length
        case _:
            raise Malformed("not the length of a log")
