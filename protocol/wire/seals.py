"""Messages of the sync protocol about seals: status, votes, proposals, sealed heights.

Messages of witnesses and sealed heights are bytes here; `seal.consensus.messages` and
`seal.formats` read them.
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
"""Size of a witness's message, so that it fits a frame."""


@dataclass(frozen=True, slots=True)
class HeightStatus:
    """The sender's last sealed height. seal: its id, empty at height 0.

    held: digest of the messages that the sender has of the height in progress, or empty.
    """

    height: int
    seal: bytes
    held: bytes


@dataclass(frozen=True, slots=True)
class ConsensusMessage:
    """A message of a witness, encoded."""

    message: bytes


@dataclass(frozen=True, slots=True)
class WantProposal:
    """Requests the proposal of `seal`; when that is empty, a proposal of `round`."""

    height: int
    round: int
    seal: bytes


@dataclass(frozen=True, slots=True)
class WantSeal:
    """A member at the sender's node asks for a seal of `height` now."""

    height: int


@dataclass(frozen=True, slots=True)
class WantSeals:
    """Requests the seals from height `start` on."""

    start: int


@dataclass(frozen=True, slots=True)
class Seals:
    """Consecutive sealed heights, each with the delta of its cut; both encoded."""

    seals: tuple[tuple[bytes, bytes], ...]


SealMessage: TypeAlias = (
    HeightStatus | ConsensusMessage | WantProposal | WantSeal | WantSeals | Seals
)


def to_list(message: SealMessage) -> list[Any]:
    """Return the fields of `message`; the first is its name."""
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
    """Return the message with these fields; None for another message. Raises `Malformed`."""
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
