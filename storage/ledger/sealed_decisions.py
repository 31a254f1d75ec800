"""What seals decided, for who folds none: nodes and commands that only ask who belongs.

They fold the few records of membership alone. What votes and the seats of the time decided
does not follow from those, so the node keeps it beside them whenever the ledger concludes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.seal.witnesses import Witness, read_witnesses, witness_fields
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from commonweal.storage.records.settings import SettingStore

if TYPE_CHECKING:  # loaded when something is folded, which is seldom
    from commonweal.protocol.ledger.fold.fold import Ledger
    from commonweal.storage.ledger.ledger import LedgerState

SETTING = "ledger.decided"

Pairs: TypeAlias = "list[tuple[bytes, int]]"


class SealedDecisions(NamedTuple):
    """What the last seals decided.

    removed: the members whom a vote removed, each with the height of the seal that did. back: who
    was no member for a while, and is one again. void:
    records about seats that seals cover and refused. seated: the witnesses of the next height;
    empty before the first look. height: of the last of these seals.
    """

    removed: tuple[tuple[MemberId, int], ...] = ()
    void: tuple[RecordId, ...] = ()
    seated: tuple[Witness, ...] = ()
    height: int = 0
    back: tuple[MemberId, ...] = ()

    def tell(self, ledger: Ledger) -> None:
        """Let a ledger of membership know it."""
        ledger.assume_sealed(self.seated, self.void)


def read(store: SettingStore) -> SealedDecisions:
    """Return what was kept last; nothing where that cannot be read."""
    data = store.setting(SETTING)
    try:
        match codec.decode(data) if data else None:
            case [list(removed), list(void), list(seated), int(height), list(back)]:
                who = read_witnesses(seated) if seated else ()
                return SealedDecisions(
                    tuple((MemberId(one), at) for one, at in cast("Pairs", removed)),
                    tuple(map(RecordId, cast("list[bytes]", void))),
                    who,
                    height,
                    tuple(map(MemberId, cast("list[bytes]", back))),
                )
            case _:
                return SealedDecisions()
    except Malformed:  # the disk changed it; the next conclusion writes it anew
        return SealedDecisions()


def keep(store: SettingStore, decided: SealedDecisions) -> None:
    """Keep what was decided; the caller commits."""
    fields: codec.Value = [
        [[*one] for one in decided.removed],
        list(decided.void),
        witness_fields(decided.seated),
        decided.height,
        list(decided.back),
    ]
    store.put_setting(SETTING, codec.encode(fields))


def current(ledger: str | Path, store: Store, community: CommunityId) -> SealedDecisions:
    """Return what the seals in `store` decided; those that nobody looked at yet are folded.

    ledger: the file of what was folded. Raises a StorageError where it cannot be used.
    """
    from commonweal.storage.ledger import ledger as ledger_state

    known = read(store)
    if SealStore(store, community).height <= known.height:
        return known
    with ledger_state.open_ledger(ledger, store, community, whole=False) as kept:
        return decided_by(kept)


def decided_by(kept: LedgerState) -> SealedDecisions:
    """Return what the seals that `kept` has folded decided."""
    from commonweal.protocol.ledger.governance import proposals, witness_set
    from commonweal.protocol.ledger.members import invites

    return SealedDecisions(
        removed=proposals.removals(kept.final),
        void=kept.layers.refused_by(witness_set.SEAL_ONLY_REASONS),
        seated=kept.chain_point().witnesses,
        height=kept.cut.height,
        back=invites.returned(kept.final),
    )
