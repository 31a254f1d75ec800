"""The layouts of the tables of what members undertake together, as `tables` lists them."""

from __future__ import annotations

from typing import Final

from commonweal.protocol.ledger.state.row_layouts import Layout

# fmt: off
CAMPAIGN: Final = Layout(
    b"9P", "campaign: id",
    "[member: id, clock: int, unit: text, scale: int, minimum: int, optimum: int?, maximum: int?,"
    " deadline: int, collect_by: int, sort: text, gives: text, least: int?, most: int?,"
    " matching: int, scope: text?, reward: quantity?, short: text, loans: text, status: text,"
    " pledges: int, height: int, met: bool, total: int, paid: int]",
    "ventures/campaigns/campaign_row",
    "A campaign: what it asks, and how it stands as of the last cut; height: of the cut that"
    " closed it.")
PLEDGE: Final = Layout(
    b"9E", "campaign: id, member: id",
    "[record: id, clock: int, amount: int, part: bool, matches: bool, number: int,"
    " withdrawn: id?, counted: int?, back: int]",
    "ventures/campaigns/campaign_row",
    "The last pledge of a member: how much counted once it closed, and became a claim.")
WAITING_CAMPAIGN: Final = Layout(
    b"9G", "member: id, campaign: id", "true",
    "ventures/campaigns/campaign_row",
    "The campaigns of a member that are open or collect: a cut may do something with them.")
CAMPAIGN_VOTE: Final = Layout(
    b"9y", "proposal: id", "[say: text, until: int]",
    "ventures/campaigns/campaign_row", "What a vote decides of a campaign.")
PLEDGE_PAYMENT: Final = Layout(
    b"9z", "pledge: id, event: bytes", "id",
    "exchange/commitments",
    "The campaign of a pledge that became a promise, and of each event that pays it; the event is"
    " empty for the promise itself.")
# fmt: on
