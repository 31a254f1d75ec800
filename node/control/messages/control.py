"""Meeting peers, making seals, and ending the node."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.node.control.messages.question import Done, Question


@dataclass(frozen=True, slots=True)
class Meet(Question[Done]):
    """Look for the nodes that an invite link names. Raises BadLink: also of another community."""

    NAME = "meet"
    ANSWER = Done
    link: str


@dataclass(frozen=True, slots=True)
class HoldCode(Question[Done]):
    """Give this link to who knows the keys of a join code, until a time and while the node runs.

    ask, answer: 32 bytes each. Raises BadLink.
    """

    NAME = "hold-code"
    ANSWER = Done
    ask: bytes
    answer: bytes
    link: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class SealProgress:
    """What a seal waits for.

    height: of the last seal. missing: (device, member) of witnesses not heard of late. witnesses:
    how many there are; needed: how many of them make a seal.
    """

    height: int
    round: int
    missing: tuple[tuple[bytes, bytes], ...]
    witnesses: int
    needed: int


@dataclass(frozen=True, slots=True)
class SealOutcome:
    """height: of the last seal. is_sealed: False when nothing was there to be sealed."""

    height: int
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class SealNow(Question[SealOutcome | SealProgress]):
    """Seal what waits; tell what it waits for until it is sealed or nothing is left to seal.

    Raises FinalityForked: two seals of one height are certified.
    """

    NAME = "seal"
    ANSWER = SealOutcome
    PROGRESS = SealProgress


@dataclass(frozen=True, slots=True)
class Ending:
    """The process that ends now."""

    pid: int


@dataclass(frozen=True, slots=True)
class Stop(Question[Ending]):
    """End the node in order."""

    NAME = "stop"
    ANSWER = Ending
