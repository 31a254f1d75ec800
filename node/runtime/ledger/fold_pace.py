"""The pace of folding: how many records a cut of this machine takes, by what folding took before.

A cut that is folded in about a second is built and validated within the timeouts of a round, needs
little memory, and is soon followed by what else the ledger has to do. Never reads a clock.
"""

from __future__ import annotations

from commonweal.protocol.seal.cut import FULL_CUT_RECORDS

CUT_S = 1.0
"""How long a cut should take to fold here."""
CUT_RECORDS_MIN = 1_000
"""A machine so slow that it folds fewer in CUT_S takes longer."""
CUT_RECORDS_FIRST = 2_500
"""Of the first cut, when nothing is known of the machine."""
GROWTH_MAX = 2
"""A cut grows by no more than this factor, and shrinks by no more: one measurement may be wrong."""
MEASURED_RECORDS_MIN = 500
"""A cut of fewer records says nothing of the pace: what each seal costs outweighs them."""


class FoldPace:
    """How many records the next cut takes."""

    def __init__(self) -> None:
        self.cut_records = CUT_RECORDS_FIRST

    def note(self, records: int, seconds: float) -> None:
        """Note that a cut of `records` was folded in `seconds`."""
        if records < MEASURED_RECORDS_MIN:
            return
        wanted = int(records / max(seconds, 1e-3) * CUT_S)
        before = self.cut_records
        wanted = max(before // GROWTH_MAX, min(wanted, before * GROWTH_MAX))
        self.cut_records = max(CUT_RECORDS_MIN, min(wanted, FULL_CUT_RECORDS))
