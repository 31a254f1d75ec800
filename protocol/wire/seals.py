"""Messages of the sync protocol that concern seals; `wire` says how they travel.

What witnesses say stands in them as bytes, which `seal.consensus.messages` reads; sealed heights as
bytes, which `seal.formats` reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from commonweal.protocol.errors import Malformed

HASH_BYTES = 32
SEALS_MAX = 256
SEALED_BYTES_MAX = 16 * 1024
DELTA_BYTES_MAX = 512 * 1024
SAID_BYTES_MAX = 1024 * 1024 - 64
"""What a witness says fits a frame."""


@dataclass(frozen=True, slots=True)
class HeightStatus:
    """How far the sender sealed; seal: the last one's id, empty at height 0.

    held: the digest of what it holds of the height that is being agreed on, or empty.
    """

    height: int
    seal: bytes
    held: bytes


@dataclass(frozen=True, slots=True)
class ConsensusMessage:
    """What a witness said, encoded."""

    message: bytes


@dataclass(frozen=True, slots=True)
class WantProposal:
    """Asks for the proposal of `seal`, or with an empty one for that of `round`."""

    height: int
    round: int
    seal: bytes


@dataclass(frozen=True, slots=True)
class WantSeal:
    """A member at the sender's asks that what waits be sealed now, as height `height`."""

    height: int


@dataclass(frozen=True, slots=True)
class WantSeals:
    """Asks for the seals from height `start` on."""

    start: int


@dataclass(frozen=True, slots=True)
class Seals:
    """Sealed heights, one after another, each with the delta of its cut; both encoded."""

    seals: tuple[tuple[bytes, bytes], ...]


SealMessage: TypeAlias = (
    HeightStatus | ConsensusMessage | WantProposal | WantSeal | WantSeals | Seals
)


def to_list(message: SealMessage) -> list[Any]:
    """Return the fields of `message`, its name first."""
    match message:
        case HeightStatus(height, seal, held):
            return ["height", height, seal, held]
        case ConsensusMessage(inner):
            return ["said", inner]
        case WantProposal(height, round_, seal):
            return ["want-proposal", height, round_, seal]
        case WantSeal(height):
            return ["want-seal", height]
        case WantSeals(start):
            return ["want-seals", start]
        case Seals(seals):
            return ["seals", [list(pair) for pair in seals]]
        case _:
            assert_never(message)


def read(fields: list[Any]) -> SealMessage | None:
    """Return the message that `fields` are; None when they are none. Raises `Malformed`."""
    match fields:
        case ["height", height, bytes(seal), bytes(held)] if _is_count(height):
            if len(seal) == (HASH_BYTES if height else 0) and len(held) in (0, HASH_BYTES):
                return HeightStatus(height, seal, held)
        case ["said", bytes(inner)] if 0 < len(inner) <= SAID_BYTES_MAX:
            return ConsensusMessage(inner)
        case ["want-proposal", height, round_, bytes(seal)] if _is_count(height, 1):
            if _is_count(round_) and len(seal) in (0, HASH_BYTES):
                return WantProposal(height, round_, seal)
        case ["want-seal", height] if _is_count(height, 1):
            return WantSeal(height)
        case ["want-seals", start] if _is_count(start, 1):
            return WantSeals(start)
        case ["seals", list(pairs)] if len(pairs) <= SEALS_MAX:
            return Seals(tuple(map(_pair, pairs)))
    return None


def _is_count(value: object, least: int = 0) -> bool:
    return type(value) is int and value >= least


def _pair(value: Any) -> tuple[bytes, bytes]:
    match value:
        case [bytes(sealed), bytes(delta)] if (
            0 < len(sealed) <= SEALED_BYTES_MAX and 0 < len(delta) <= DELTA_BYTES_MAX
        ):
            return sealed, delta
        case _:
            raise Malformed("not a sealed height with its delta")
