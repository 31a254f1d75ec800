"""The split of a pool among its members: inputs, weights, division, payout lines that explain."""

from commonweal.protocol.rules.split.division import AMOUNT_MAX, split
from commonweal.protocol.rules.split.inputs import (
    NEEDS_ATTEST,
    Contribution,
    Income,
    PastSplit,
    Referral,
    SplitInputs,
    reads_event,
)
from commonweal.protocol.rules.split.payout import Split
from commonweal.protocol.vocabulary.payout_line import CORRECTION, PayoutLine

__all__ = [
    "AMOUNT_MAX",
    "CORRECTION",
    "NEEDS_ATTEST",
    "Contribution",
    "Income",
    "PastSplit",
    "PayoutLine",
    "Referral",
    "Split",
    "SplitInputs",
    "reads_event",
    "split",
]
