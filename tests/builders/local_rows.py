"""Two states are equal though what they list beside them was listed in another order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger.contributions.attestation import DISPUTED
from commonweal.protocol.ledger.members.invites import ASKED, INVITED
from commonweal.protocol.ledger.state.local_lists import NUMBER_BYTES

LISTS = (INVITED, ASKED, DISPUTED)
"""The sorts of lists."""


def without_order(pairs: Iterable[tuple[bytes, Any]]) -> dict[bytes, Any]:
    """Return the pairs of a state, and of each list how many it has and which, but not in order."""
    kept: dict[bytes, Any] = {}
    for key, value in pairs:
        if not key.startswith(LISTS):
            kept[key] = value
        elif len(key) != len(INVITED) + HASH_BYTES + NUMBER_BYTES:
            kept[key] = value if len(key) == len(INVITED) + HASH_BYTES else True
    return kept
