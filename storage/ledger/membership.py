"""Who belongs, at once: the records of membership alone, folded without the seals.

Whoever opens a link or keeps a log cannot wait for the whole ledger. This fold knows no time
and no vote, so it is told what the seals say: a newcomer whose log is sealed was admitted. Of who
returns, that says nothing: their log was sealed before.
"""

from __future__ import annotations

from functools import cache

from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.context import AdmissionOracle, Applicant
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.seal.cut import length_in
from commonweal.protocol.vocabulary.rule_params import (
    DEFAULT_PARAMS,
    MembershipRules,
    RuleParams,
    membership_rules,
)
from commonweal.storage.ledger.checkpoint import SealIds
from commonweal.storage.ledger.inheritance import members_before
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore

NUMBER_MAX = 1_000_000
"""No number of a sound section of membership is larger."""


def belonging(
    store: Store,
    community: CommunityId,
    joining: MembershipRules | None = None,
    oracle: AdmissionOracle | None = None,
    back: tuple[MemberId, ...] = (),
) -> Ledger:
    """Return the fold of the records of membership in a store.

    joining: what the rules in force ask of newcomers; None for what the founding ones do. oracle:
    who is admitted by what else is known; None for what the seals in the store say, and for who
    is `back`, as `Decided` has it.
    """
    ledger = Ledger(
        community,
        members_before(store, community),
        rules=RuleParams(joining=joining or _founding(store, community)),
        seals=SealIds(store, community),
        oracle=oracle or _sealed(store, community, back),
    )
    ledger.add(store.rare())
    for row in store.logs():
        if row.frozen is not None:
            ledger.freeze(row.author, row.frozen)
    return ledger


def asked_last(store: Store, device: DeviceKey) -> RecordId | None:
    """Return the invite under which the newest record of a log asks for admission, if it does.

    Who is no member writes nothing after it.
    """
    newest = store.record(store.log(device).head)
    return newest.data.get("invite") if newest and newest.kind == "member.request" else None


def _founding(store: Store, community: CommunityId) -> MembershipRules:
    """Return what the founding rules ask of newcomers; the defaults where they are none."""
    founding = store.record(RecordId(community))
    data = None if founding is None or founding.body is None else store.body(founding.body.hash)
    try:
        document = None if data is None else codec.decode(data)
    except CommonwealError:
        return DEFAULT_PARAMS.joining
    section = document.get("membership") if type(document) is dict else None
    if type(section) is not dict:
        return DEFAULT_PARAMS.joining
    # The document was checked by whoever founded, whom nobody has to believe.
    sound = {
        key: one for key, one in section.items() if type(one) is int and 0 <= one <= NUMBER_MAX
    }
    return membership_rules(sound)


def _sealed(store: Store, community: CommunityId, back: tuple[MemberId, ...]) -> AdmissionOracle:
    @cache
    def logs() -> dict[DeviceKey, int]:
        found = SealStore(store, community).cut()
        return {author: length_in(found, author) for author in found}

    def admits(asker: Applicant) -> bool | None:
        is_in = asker.member in back if asker.back else logs().get(asker.device)
        return True if is_in else None

    return admits
