"""The context of a record: community, last cut, rules and author, beside the state itself.

A context is read only; what a record changes is written to the state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeGuard

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import CommunityId, Record, RecordId

if TYPE_CHECKING:
    from commonweal.protocol.ledger.state.advance import CutHeader
    from commonweal.protocol.vocabulary.rule_params import RuleParams

NOBODY = MemberId(b"")
"""The author's member for the kinds that anyone may write."""

NO_DOCUMENTS: Mapping[bytes, bytes] = MappingProxyType({})


class SealHeights(Protocol):
    """The seals that a record may name as its basis, with their heights."""

    def get(self, seal: bytes, /) -> int | None:
        """Return the height of a seal by its id; None when it is not of this chain."""


NO_SEALS: Mapping[bytes, int] = MappingProxyType({})

RecordLookup: TypeAlias = Callable[[RecordId], Record | None]
"""Returns a held record by its id, whether it counts or not; None when it is not held."""


def no_records(_: RecordId) -> Record | None:
    """Return None for every id."""
    return None


class Applicant(NamedTuple):
    """A newcomer who asks to be admitted under a member's invite.

    back: they were a member before.
    """

    member: MemberId
    device: DeviceKey
    inviter: MemberId
    back: bool


AdmissionOracle: TypeAlias = Callable[[Applicant], bool | None]
"""Returns whether an applicant is admitted; None: judge by the rules."""


def no_oracle(_asker: Applicant) -> bool | None:
    """Return None: every admission is judged by the rules."""
    return None


Verdict: TypeAlias = Reason | None
"""None: the record counts. Otherwise the reason why it does not."""


class Context(NamedTuple):
    """What a record is judged in. A named tuple, because one is made for each record.

    member: the author's active member; `NOBODY` for the kinds that anyone may write. documents:
    permanent bodies that are held, by hash. seals: those that a record may name as its basis.
    lookup: returns a record that is cited. time_ms: of the seal that covers the record; 0 above the
    last seal. oracle: admissions that another fold already decided.
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
    """Return whether `value` is bytes of length `size`."""
    return type(value) is bytes and len(value) == size


def is_count(value: Any, low: int = 0, high: int = 2**63 - 1) -> TypeGuard[int]:
    """Return whether `value` is an integer from `low` to `high`; a bool is not an integer here."""
    return type(value) is int and low <= value <= high
