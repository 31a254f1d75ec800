"""What a record is judged in beside the state: community, last cut, its rules, the author."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeGuard

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import CommunityId, Record, RecordId
from commonweal.protocol.vocabulary.rule_params import RuleParams

NOBODY = MemberId(b"")

NO_DOCUMENTS: Mapping[bytes, bytes] = MappingProxyType({})


class SealHeights(Protocol):
    """The seals that a record may name as its basis, and their heights."""

    def get(self, seal: bytes, /) -> int | None:
        """Return the height of a seal by its id; None when it is not of this chain."""


NO_SEALS: Mapping[bytes, int] = MappingProxyType({})

RecordLookup: TypeAlias = Callable[[RecordId], Record | None]
"""Returns a record that is held by its id, void or not; else None."""


def no_records(_: RecordId) -> Record | None:
    """Find nothing."""
    return None


class Applicant(NamedTuple):
    """Who asks to be admitted: with a device, invited by a member; back: they were one before."""

    member: MemberId
    device: DeviceKey
    inviter: MemberId
    back: bool


AdmissionOracle: TypeAlias = Callable[[Applicant], bool | None]
"""Says whether somebody who asks is admitted; None: judge by the rules."""


def no_oracle(_asker: Applicant) -> bool | None:
    """Leave every admission to the rules."""
    return None


Verdict: TypeAlias = Reason | None
"""None: the record counts. Else why it does not."""


class Context(NamedTuple):
    """What a record is judged in. A tuple, since one is made for each record.

    member: the author's, who is active; `NOBODY` for the kinds that anyone writes.
    documents: the permanent bodies of records held, by their hash. seals: those that a
    record may name as its basis. record: finds what a record cites. time_ms: of the seal that
    covers the record; 0 above the last. oracle: what a fold without seals is told by one with.
    """

    community: CommunityId
    cut: CutHeader
    rules: RuleParams
    member: MemberId
    documents: Mapping[bytes, bytes] = NO_DOCUMENTS
    seals: SealHeights = NO_SEALS
    lookup: RecordLookup = no_records
    time_ms: int = 0
    oracle: AdmissionOracle = no_oracle


def is_bytes(value: Any, size: int = 32) -> TypeGuard[bytes]:
    """Whether `value` is bytes of that length."""
    return type(value) is bytes and len(value) == size


def is_count(value: Any, low: int = 0, high: int = 2**63 - 1) -> TypeGuard[int]:
    """Whether `value` is an integer (a bool is none) from `low` to `high`."""
    return type(value) is int and low <= value <= high
