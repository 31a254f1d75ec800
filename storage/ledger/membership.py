"""Membership: who belongs, known at once from the membership records alone, and their names.

A node that checks a link or stores a log cannot wait for the whole ledger, so it folds only the
governance records. That fold knows no time and no vote: what seals decided (removals, seats, who
came back) is stored beside it as `SealedDecisions` whenever the ledger applies a seal. A newcomer
whose log is sealed was admitted; for a member who returns that says nothing, since their log was
sealed before.

The one owner of membership below node and client. The full state of members is in the fold.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError, Malformed
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.state.context import AdmissionOracle, Applicant
from commonweal.protocol.records.record import CommunityId, RecordId, read_erasable_body
from commonweal.protocol.seal.cut import length_in
from commonweal.protocol.seal.witnesses import Witness, read_witnesses, witness_fields
from commonweal.protocol.vocabulary import identifiers
from commonweal.protocol.vocabulary.rule_params import (
    DEFAULT_PARAMS,
    MembershipRules,
    RuleParams,
    membership_rules,
)
from commonweal.storage.ledger.state.checkpoint import SealIds
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from commonweal.storage.records.settings import SettingStore

if TYPE_CHECKING:  # loaded only when something is folded
    from commonweal.protocol.ledger.fold.fold import Ledger
    from commonweal.storage.ledger.ledger import LedgerState

DECISIONS = "ledger.decided"
"""Setting of the decisions of seals."""

SECTION_NUMBER_MAX = 1_000_000
"""No number in a valid membership section of the rules is larger."""

_Removals: TypeAlias = "list[tuple[bytes, int]]"


class SealedDecisions(NamedTuple):
    """What the last seals decided about membership.

    removed: (member, height of the seal) of each member that a vote removed.
    void: records about seats that seals cover and refuse.
    seated: the witnesses of the next height; empty before the first seal is applied.
    height: of the last seal.
    back: members who left or were removed, and returned.
    nameless: active members without a profile that counts.
    """

    removed: tuple[tuple[MemberId, int], ...] = ()
    void: tuple[RecordId, ...] = ()
    seated: tuple[Witness, ...] = ()
    height: int = 0
    back: tuple[MemberId, ...] = ()
    nameless: tuple[MemberId, ...] = ()

    def apply_to(self, ledger: Ledger) -> None:
        """Let a fold of membership records know seats and void records."""
        ledger.assume_sealed(self.seated, self.void)


def read_decisions(store: SettingStore) -> SealedDecisions:
    """Return the stored decisions; empty ones where they cannot be read."""
    data = store.setting(DECISIONS)
    try:
        match codec.decode(data) if data else None:
            case [list(removed), list(void), list(seated), int(height), list(back), list(nameless)]:
                return SealedDecisions(
                    tuple((MemberId(id), at) for id, at in cast("_Removals", removed)),
                    tuple(map(RecordId, cast("list[bytes]", void))),
                    read_witnesses(seated) if seated else (),
                    height,
                    tuple(map(MemberId, cast("list[bytes]", back))),
                    tuple(map(MemberId, cast("list[bytes]", nameless))),
                )
            case _:
                return SealedDecisions()
    except Malformed:  # the disk corrupted it; the next seal writes it again
        return SealedDecisions()


def put_decisions(store: SettingStore, decided: SealedDecisions) -> None:
    """Store the decisions; the caller commits."""
    fields: codec.Value = [
        [[*removal] for removal in decided.removed],
        list(decided.void),
        witness_fields(decided.seated),
        decided.height,
        list(decided.back),
        list(decided.nameless),
    ]
    store.put_setting(DECISIONS, codec.encode(fields))


def current_decisions(state: str | Path, store: Store, community: CommunityId) -> SealedDecisions:
    """Return the decisions of all seals in `store`; folds the seals that no node applied yet.

    state: path of the folded state. Raises a StorageError where that file cannot be used.
    """
    from commonweal.storage.ledger.ledger import open_ledger

    stored = read_decisions(store)
    if SealStore(store, community).height <= stored.height:
        return stored
    with open_ledger(state, store, community, whole=False) as kept:
        return decisions_of(kept)


def decisions_of(kept: LedgerState) -> SealedDecisions:
    """Return the decisions of the seals that `kept` has folded."""
    from commonweal.protocol.ledger.governance import proposals, witness_set
    from commonweal.protocol.ledger.members import invites, membership

    return SealedDecisions(
        removed=proposals.removals(kept.final),
        void=kept.layers.refused_by(witness_set.SEAL_ONLY_REASONS),
        seated=kept.chain_point().witnesses,
        height=kept.cut.height,
        back=invites.returned(kept.final),
        nameless=membership.nameless(kept.final),
    )


def membership_fold(
    store: Store,
    community: CommunityId,
    decided: SealedDecisions,
    *,
    joining: MembershipRules | None = None,
    oracle: AdmissionOracle | None = None,
) -> Ledger:
    """Return the fold of the membership records in a store, with what seals decided.

    joining: what the active rules require of newcomers; None: the founding rules. oracle: who
    is admitted by other knowledge; None: by the stored seals and `decided.back`.
    """
    from commonweal.protocol.ledger.fold.fold import Ledger
    from commonweal.storage.ledger.inheritance import members_before

    ledger = Ledger(
        community,
        members_before(store, community),
        rules=RuleParams(membership=joining or founding_rules(store, community)),
        seals=SealIds(store, community),
        oracle=oracle or _admitted_by_seals(store, community, decided.back),
    )
    ledger.add(store.rare())
    for row in store.logs():
        if row.frozen is not None:
            ledger.freeze(row.author, row.frozen)
    decided.apply_to(ledger)
    return ledger


def requested_invite(store: Store, device: DeviceKey) -> RecordId | None:
    """Return the invite of the admission request that ends a log; None when none ends it.

    A device that is not admitted writes nothing after its request.
    """
    newest = store.record(store.log(device).head)
    return newest.data.get("invite") if newest and newest.kind == "member.request" else None


def name_in(store: Store, profile: bytes | None) -> str | None:
    """Return the name in a member's profile record; None while its text is not held."""
    record = None if profile is None else store.record(RecordId(profile))
    data = None if record is None or record.body is None else store.body(record.body.hash)
    return None if data is None else name_of(data)


def name_of(text: bytes) -> str | None:
    """Return the name in the erasable body of a profile; None when it is no text."""
    try:
        media_type, content = read_erasable_body(text)
    except CommonwealError:
        return None
    if not media_type.startswith("text/"):
        return None
    return identifiers.displayed_name(content.decode("utf-8", "replace")) or None


def founding_rules(store: Store, community: CommunityId) -> MembershipRules:
    """Return what the founding rules require of newcomers; the defaults where they are absent."""
    founding = store.record(RecordId(community))
    data = None if founding is None or founding.body is None else store.body(founding.body.hash)
    try:
        document = None if data is None else codec.decode(data)
    except CommonwealError:
        return DEFAULT_PARAMS.membership
    section = document.get("membership") if type(document) is dict else None
    if type(section) is not dict:
        return DEFAULT_PARAMS.membership
    # Only the founder checked the document, and nobody has to trust the founder.
    numbers = {
        key: value
        for key, value in section.items()
        if type(value) is int and 0 <= value <= SECTION_NUMBER_MAX
    }
    return membership_rules(numbers)


def _admitted_by_seals(
    store: Store, community: CommunityId, back: tuple[MemberId, ...]
) -> AdmissionOracle:
    @cache
    def lengths() -> dict[DeviceKey, int]:
        cut = SealStore(store, community).cut()
        return {author: length_in(cut, author) for author in cut}

    def admits(applicant: Applicant) -> bool | None:
        is_in = applicant.member in back if applicant.back else lengths().get(applicant.device)
        return True if is_in else None

    return admits
