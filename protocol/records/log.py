"""Logs: the hash chain of one device's records, verified a run at a time.

A record is authentic when its own signature is valid, or when a later authentic record of its log
links back to it. A run therefore needs one signature check, on its last record, plus hashing.
Nothing here stores records: the caller passes a function that looks up what a record cites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from commonweal.protocol import keys
from commonweal.protocol.errors import (
    ForkedLog,
    InvalidRecord,
    MissingDependency,
    MissingParent,
)
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import batch_decode
from commonweal.protocol.records.record import (
    NO_ID,
    CommunityId,
    LogPosition,
    Record,
    RecordId,
    check_community,
    from_bytes_unchecked,
)

ALWAYS_CHECKED = ("community.", "device.", "invite.", "member.", "rules.", "fork.", "role.")
"""Prefixes of kinds that change rules, membership or keys: each signature is checked."""

_KIND, _DEPS = attrgetter("kind"), attrgetter("deps")
_PLACE = attrgetter("community", "author", "seq", "prev")


class Tip(NamedTuple):
    """The end of a log: its length, and the id and clock of its last record."""

    length: int = 0
    head: RecordId = NO_ID
    clock: int = 0


ClockOf = Callable[[RecordId], "int | None"]
"""Returns the clock of a record or seal by id; None when it is not held."""


def read_run(
    community: CommunityId,
    author: DeviceKey,
    tip: Tip,
    wires: Sequence[bytes],
    clock_of: ClockOf,
    trusted: RecordId = NO_ID,
) -> list[Record]:
    """Return the records in `wires`, verified as a continuation of the log at `tip`.

    wires: records of `author` with seq tip.length, tip.length + 1 ... trusted: an id that is
    authentic by a proof that links to it; a run that ends there needs no signature check. Raises
    `MissingParent`, `ForkedLog` (the first record does not follow `tip`), `MissingDependency`,
    `BadSignature` or another `InvalidRecord`; then no record of the run is accepted.
    """
    chained = batch_decode.read_chained(wires)
    run = chained or batch_decode.read_unchained(wires)
    if not run:
        return run
    place = (community, author, tip.length, tip.head)
    if chained and _PLACE(chained[0]) == place and not any(map(_DEPS, chained)):
        check_clock(run[0], tip.clock, clock_of)
    else:
        _check_each(community, author, tip, run, clock_of)
    if run[-1].id != trusted:
        keys.verify(author, run[-1].header, run[-1].signature)
    return run


def _check_each(
    community: CommunityId,
    author: DeviceKey,
    tip: Tip,
    run: Sequence[Record],
    clock_of: ClockOf,
) -> None:
    """Raise unless each record has the place in the log, and the clock, that follow."""
    fresh: dict[RecordId, int] = {}
    seq, head, clock = tip.length, tip.head, tip.clock
    basis: RecordId | None = None
    for record in run:
        check_community(record, community)
        if record.author != author:
            raise InvalidRecord(f"{record} stands in the log of another device")
        if record.seq != seq:
            raise MissingParent(f"{record}: the log here ends at {seq}")
        if record.prev != head:
            raise ForkedLog(f"{record} does not follow the record before it")
        if record.deps or record.clock != clock + 1 or record.basis != basis:
            check_clock(record, clock, lambda id: fresh.get(id) or clock_of(id))
        seq, head, clock, basis = seq + 1, record.id, record.clock, record.basis
        fresh[head] = clock


def check_clock(record: Record, prev_clock: int, clock_of: ClockOf) -> None:
    """Return when the record's clock is 1 + the largest clock of what it follows and cites.

    Lamport clocks (Lamport 1978), made exact. Raises `MissingDependency` when a cited record is
    not held, `InvalidRecord` for another clock.
    """
    largest = prev_clock
    for cited in (*record.deps, record.basis):
        if cited:
            clock = clock_of(cited)
            if clock is None:
                raise MissingDependency(f"{record} cites {cited.hex()}", cited, record.seq)
            largest = max(largest, clock)
    if record.clock != largest + 1:
        raise InvalidRecord(f"{record} has clock {record.clock}, not {largest + 1}")


def last_badly_signed(run: Sequence[Record], kinds: tuple[str, ...] = ("",)) -> Record | None:
    """Return the last record of `run` whose own signature is invalid; None when there is none.

    kinds: prefixes of the kinds to check; by default all.
    """
    if not any(kind.startswith(kinds) for kind in dict.fromkeys(map(_KIND, run))):
        return None
    bad = (
        record
        for record in reversed(run)
        if record.kind.startswith(kinds) and not is_signed(record)
    )
    return next(bad, None)


def is_signed(record: Record) -> bool:
    """Whether the record's own signature is valid."""
    return keys.is_signed(record.author, record.header, record.signature)


def trim_to_signed(wires: Sequence[bytes]) -> list[bytes]:
    """Return `wires`, well-formed records, up to the last one with a valid signature."""
    end = len(wires)
    while end and not is_signed(from_bytes_unchecked(wires[end - 1])):
        end -= 1
    return list(wires[:end])


def next_position(
    community: CommunityId, tip: Tip, basis: RecordId, cited: Sequence[int], basis_clock: int
) -> LogPosition:
    """Return the position of the next record after `tip`.

    cited: clocks of the records that it will cite.
    """
    clock = 1 + max(tip.clock, basis_clock, *cited, 0)
    return LogPosition(community, tip.length, tip.head, clock, basis)
