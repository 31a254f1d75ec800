"""What seals decided, for who folds none: nodes and commands that only ask who belongs.

They fold the few records of membership alone. What votes and the seats of the time decided
does not follow from those, so the node keeps it beside them whenever the ledger concludes.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias, cast

from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.fold import Ledger
from commonweal.protocol.record import RecordId
from commonweal.protocol.seal.witnesses import Witness, read_witnesses, witness_fields
from commonweal.storage.shelves import Shelves

SETTING = "ledger.decided"

Pairs: TypeAlias = "list[tuple[bytes, int]]"


class Decided(NamedTuple):
    """What the last seals decided.

    removed: the members whom a vote removed, each with the height of the seal that did. void:
    records about seats that seals cover and refused. seated: the witnesses of the next height;
    empty before the first look.
    """

    removed: tuple[tuple[MemberId, int], ...] = ()
    void: tuple[RecordId, ...] = ()
    seated: tuple[Witness, ...] = ()

    def tell(self, ledger: Ledger) -> None:
        """Let a ledger of membership know it."""
        ledger.know(self.seated, self.void)


def read(store: Shelves) -> Decided:
    """Return what was kept last; nothing where that cannot be read."""
    data = store.setting(SETTING)
    try:
        match codec.decode(data) if data else None:
            case [list(removed), list(void), list(seated)]:
                who = read_witnesses(seated) if seated else ()
                return Decided(
                    tuple((MemberId(one), at) for one, at in cast("Pairs", removed)),
                    tuple(map(RecordId, cast("list[bytes]", void))),
                    who,
                )
            case _:
                return Decided()
    except Malformed:  # the disk changed it; the next conclusion writes it anew
        return Decided()


def keep(store: Shelves, decided: Decided) -> None:
    """Keep what was decided; the caller commits."""
    fields: codec.Value = [
        [[*one] for one in decided.removed],
        list(decided.void),
        witness_fields(decided.seated),
    ]
    store.put_setting(SETTING, codec.encode(fields))
