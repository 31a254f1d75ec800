"""What the open reviews of members add up to, from the state of a seal.

A review counts once it is open; what is still sealed is in no number.
"""

from __future__ import annotations

from dataclasses import replace

from commonweal.client.exchange.reviews.rows import ReviewSummary
from commonweal.protocol.ledger.exchange.reviews import reviews
from commonweal.protocol.ledger.exchange.reviews.reviews import ReviewRow
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.rules.sections.reviews import WithheldRule


def review_summaries(state: State, rule: WithheldRule) -> dict[bytes, ReviewSummary]:
    """Return what was said of each member, in one look at all reviews.

    rule: whether a withheld review counts as one star of who wrote it.
    """
    summaries: dict[bytes, ReviewSummary] = {}
    for _key, value in state.items(reviews.REVIEW):
        row = ReviewRow(*value)
        if row.status == reviews.OPENED and row.rating is not None:
            known = summaries.get(row.about, ReviewSummary())
            summaries[row.about] = replace(
                known,
                stars=known.stars + row.rating,
                reviews=known.reviews + 1,
                opened=known.opened + 1,
                on_time=known.on_time + bool(row.on_time),
                as_agreed=known.as_agreed + bool(row.as_agreed),
            )
        elif row.status == reviews.WITHHELD:
            known = summaries.get(row.member, ReviewSummary())
            star = int(rule.is_one_star)
            summaries[row.member] = replace(
                known,
                withheld=known.withheld + 1,
                stars=known.stars + star,
                reviews=known.reviews + star,
            )
    return summaries
