"""Pictures of money: where it came from and went, and what of the claims is paid."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.words import Words
from commonweal.client.ledger.rows.claim_rows import ClaimTotal
from commonweal.client.reports.money_flow import MoneyFlow, PoolFlow
from commonweal.web.pictures import (
    BarPart,
    FlowLink,
    FlowPlace,
    Legend,
    Picture,
    flow,
    share_bar,
)


def flow_pictures(money: MoneyFlow, words: Words) -> list[Picture]:
    """Return for each unit how money went: from pools by their buckets to members."""
    units = dict.fromkeys(pool.unit for pool in money.pools if pool.came or pool.buckets)
    return [_flow_of(unit, [p for p in money.pools if p.unit == unit], words) for unit in units]


def _flow_of(unit: str, pools: Iterable[PoolFlow], words: Words) -> Picture:
    places: dict[str, FlowPlace] = {}
    links = []

    def place(key: str, name: str, layer: int) -> str:
        places.setdefault(key, FlowPlace(key, name, layer))
        return key

    for pool in pools:
        source = place(f"pool {pool.pool}", pool.pool, 0)
        for bucket in pool.buckets:
            key = f"bucket {pool.pool} {bucket.bucket}"
            at = place(key, bucket.bucket, 1)
            lines = {"pool": pool.pool, "bucket": bucket.bucket}
            links.append(FlowLink(source, at, bucket.given, shares_link(**lines)))
            for share in bucket.shares:
                to = place(f"to {share.member.hex()}", share.member_name, 2)
                of_member = shares_link(**lines, member=share.member.hex())
                links.append(FlowLink(at, to, share.amount, of_member))
        if pool.held:
            left = place(f"left {pool.pool}", words("in the pool"), 1)
            links.append(FlowLink(source, left, pool.held))
    shown = shown_unit(unit, words)
    caption = words("Where the income went, in {unit}").format(unit=shown)
    legend = Legend(caption, shown, words("comes from"), (words("amount"),))
    return flow(legend, list(places.values()), links, words)


def shares_link(**asked: str) -> str:
    """Return the address of the lines that a bucket gave, or gave a member."""
    return f"/money/shares?{urlencode(asked)}"


def claim_pictures(totals: Iterable[ClaimTotal], words: Words) -> list[Picture]:
    """Return for each unit how much of all claims is settled, said and to be paid."""
    pictures = []
    for total in totals:
        unit = shown_unit(total.unit, words)
        caption = words("What is paid of all claims, in {unit}").format(unit=unit)
        parts = [
            BarPart(words("settled"), total.settled),
            BarPart(words("said, not confirmed"), total.said),
            BarPart(words("to be paid"), total.unpaid),
        ]
        legend = Legend(caption, unit, words("claims"), (words("amount"),))
        pictures.append(share_bar(legend, parts, words))
    return pictures
