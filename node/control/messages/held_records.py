"""Who holds records."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.node.control.messages.question import Done, Question


@dataclass(frozen=True, slots=True)
class RecordHolders:
    """Who holds a record.

    holders: the device of each connected member whose node holds it, None where no device is
    proven. connected: how many members are connected.
    """

    holders: tuple[bytes | None, ...]
    connected: int


@dataclass(frozen=True, slots=True)
class Holders(Question[RecordHolders]):
    """Which connected members hold the record `id`? Raises InvalidRecord: it is not held here."""

    NAME = "holders"
    ANSWER = RecordHolders
    id: bytes


@dataclass(frozen=True, slots=True)
class FetchRecord(Question[Done]):
    """Let a light home have the record `id` again, proven by its chain of seals.

    Raises NobodyGives; UsageError where many are asked for at once.
    """

    NAME = "fetch-record"
    ANSWER = Done
    id: bytes


@dataclass(frozen=True, slots=True)
class HolderCounts:
    """How many connected members hold each record, as asked, and how many are connected.

    held_by: None for a place that this node holds no record of.
    """

    held_by: tuple[int | None, ...]
    connected: int


@dataclass(frozen=True, slots=True)
class CountHolders(Question[HolderCounts]):
    """How many connected members hold each of these records, PLACES_ASKED_MAX at most?

    places: author and seq of each record.
    """

    NAME = "count-holders"
    ANSWER = HolderCounts
    places: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class HeldBy:
    """How many connected members hold all the records, and how many were asked for."""

    held_by: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Wait(Question[HeldBy]):
    """Wait until `peers` connected members hold the records `ids`; tell each change of the number.

    Raises InvalidRecord: one of them is not held here.
    """

    NAME = "wait"
    ANSWER = HeldBy
    PROGRESS = HeldBy
    ids: tuple[bytes, ...]
    peers: int
