"""Set-off: an agreement by which open promises of money are reduced against each other.

No agreement sets anything off yet: one that says so is not known here.
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State


def read(state: State, context: Context, value: Any) -> list[list[Any]] | Reason:
    """Return what an agreement sets off, [[commitment, n, scale, unit] ...], or why it is not
    sound.
    """
    return Reason.SHAPE


def holds(state: State, context: Context, sets_off: list[list[Any]]) -> bool:
    """Return whether as much is still open of each commitment as an agreement sets off."""
    return not sets_off


def apply(state: State, context: Context, sets_off: list[list[Any]], agreement: bytes) -> Verdict:
    """Reduce what is open of each commitment, by an agreement that comes into force."""
    return None
