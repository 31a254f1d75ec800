"""Whether a payout line explains its own amount, reckoned apart from the product."""

from __future__ import annotations

from commonweal.protocol.rules.split import PayoutLine


def is_explained(line: PayoutLine) -> bool:
    """Whether a line's amount follows from what it says of itself."""
    if line.sort == "commission":
        return line.amount == line.of * line.weight // line.weights
    # Largest remainder: the exact part, cut or raised to the next whole one.
    off = (line.amount + line.commissions) * line.weights - line.of * line.weight
    return abs(off) < line.weights
