"""Shares of data: a use for which its owner gets a share of a pool waits for the next split of it.

Each use that others attested, as the rules ask of a contribution, is one point of its owner in each
bucket of the pool that goes to data; the points divide the bucket like those of a giving round.
"""

from __future__ import annotations

from commonweal.protocol.ledger.exchange.data.uses import put_use, use_row
from commonweal.protocol.ledger.governance import giving_rounds
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.rules.document import Ruleset
from commonweal.protocol.rules.sections.data import TO_DATA
from commonweal.protocol.vocabulary.payout_line import ReceivedPoints


def feed(state: State, event: bytes, ruleset: Ruleset) -> None:
    """Let an attested use of data wait for the next split of its pool, once."""
    use = use_row(state, event)
    if use is None or use.pool is None or use.is_fed:
        return
    buckets = [
        giving_rounds.bucket_key(pool, bucket.name)
        for pool in ruleset.pools
        if pool.name == use.pool
        for bucket in pool.buckets
        if bucket.to == TO_DATA
    ]
    for bucket in buckets:
        giving_rounds.add_points(state, bucket + use.owner, ReceivedPoints(1, 1, (event,)))
    if buckets:
        put_use(state, event, use._replace(is_fed=True))
