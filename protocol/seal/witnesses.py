"""The witness set: seats drawn among the candidates that were recently present.

A witness is one device of a member with the role. The set changes only in seals: each contains
the root of the next set. At most two seats change per seal; a set below four may grow to four at
once. The ledger decides which devices are candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import HASH_BYTES, KEY_BYTES, DeviceKey, MemberId
from commonweal.protocol.seal.field_checks import is_ascending
from commonweal.protocol.seal.quorum import WITNESSES_MAX

SEATS_DEFAULT = 7
SEATS_CHANGED_MAX = 2
"""Seats removed per seal, and seats added per seal to a set of four or more."""

RECENT_SEALS = 20
"""A device that was absent from this many seals counts as silent."""

SAFE_WITNESSES_MIN = 4
"""A smaller set tolerates no lie: it loses no seat for silence, and new seats are endorsed."""


class Witness(NamedTuple):
    """A seat: the device that votes, and its member."""

    device: DeviceKey
    member: MemberId


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device whose member holds the role. seen: last height at which it was present, or None."""

    witness: Witness
    seen: int | None


def next_witnesses(
    prev: bytes,
    height: int,
    seated: Sequence[Witness],
    candidates: Sequence[Candidate],
    seats: int = SEATS_DEFAULT,
) -> tuple[Witness, ...]:
    """Return the set for `height` + 1 after `seated` sealed `height`, by device.

    prev: id of the seal before it, which seeds the draw: candidates offered their devices before
    it was known, so no key can be searched for that draws well (key grinding). candidates: from
    the state at `height`, one per member.

    Removed first: witnesses without the role or with a replaced device; then silent ones, while
    another can take the seat or four remain; then, when there are more candidates than seats,
    those with the worst draw H(prev, height, device). At most two are removed and two added; a
    set below four is filled up to four at once. One seated witness always remains.
    """
    offered = [candidate.witness for candidate in candidates]
    heard = [candidate.witness for candidate in candidates if is_heard(candidate.seen, height)]
    drawn = sorted(heard, key=lambda witness: _draw(prev, height, witness))[:seats]
    coming = [witness for witness in drawn if witness not in seated][: seats_added_max(len(seated))]
    leaving = [witness for witness in seated if witness not in offered]
    silent = [witness for witness in seated if witness in offered and witness not in heard]
    remaining = len(seated) - len(leaving)
    for witness in _worst_first(prev, height, silent):
        spare = remaining - 1 + len(coming)
        if spare >= min(SAFE_WITNESSES_MIN, remaining):
            leaving.append(witness)
            remaining -= 1
    lost = [witness for witness in seated if witness in heard and witness not in drawn]
    leaving += _worst_first(prev, height, lost)
    leaving = leaving[:SEATS_CHANGED_MAX]
    staying = [witness for witness in seated if witness not in leaving]
    room = max(0, seats - len(staying))
    chosen = staying + coming[:room]
    return tuple(sorted(chosen or list(seated)[:1]))


def seats_added_max(seated: int) -> int:
    """Return the number of seats that one seal may add to a set of `seated`."""
    return max(SEATS_CHANGED_MAX, SAFE_WITNESSES_MIN - seated)


def is_heard(seen: int | None, height: int) -> bool:
    """Whether a device last present at height `seen` counts as present at `height`."""
    return seen is not None and seen > height - RECENT_SEALS


def proposer(height: int, round_: int, witnesses: Sequence[DeviceKey]) -> DeviceKey:
    """Return the proposer of a round: the witnesses take turns in the order of their keys."""
    return sorted(witnesses)[(height + round_) % len(witnesses)]


def witness_set_root(witnesses: Sequence[Witness]) -> bytes:
    """Return the root of a set; the order given has no influence."""
    return keys.hash32(keys.WITNESSES, codec.encode(witness_fields(sorted(witnesses))))


def witness_devices(witnesses: Sequence[Witness]) -> tuple[DeviceKey, ...]:
    """Return the devices of a set, sorted."""
    return tuple(sorted(witness.device for witness in witnesses))


def witness_fields(witnesses: Sequence[Witness]) -> codec.Value:
    """Return the fields of a set, for a larger message."""
    return [[*witness] for witness in witnesses]


def read_witnesses(value: Any) -> tuple[Witness, ...]:
    """Return the set with these `witness_fields`. Raises `Malformed`."""
    if type(value) is list and 0 < len(value) <= WITNESSES_MAX:
        read = tuple(map(_witness, value))
        if is_ascending([witness.device for witness in read]):
            return read
    raise Malformed("not a set of witnesses")


def _draw(prev: bytes, height: int, witness: Witness) -> bytes:
    return keys.hash32(keys.SEAT, codec.encode([prev, height, witness.device]))


def _worst_first(prev: bytes, height: int, given: list[Witness]) -> list[Witness]:
    return sorted(given, key=lambda witness: _draw(prev, height, witness), reverse=True)


def _witness(value: Any) -> Witness:
    match value:
        case [bytes(device), bytes(member)] if (
            len(device) == KEY_BYTES and len(member) == HASH_BYTES
        ):
            return Witness(DeviceKey(device), MemberId(member))
        case _:
            raise Malformed("not a witness")
