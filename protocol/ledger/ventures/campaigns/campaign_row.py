"""Campaigns and pledges in the state: their rows, and which campaigns wait for a seal.

What writes them is in `campaigns`, `pledges`, `deadline` and `collection`. State: 9P campaigns, 9E
pledges, 9G campaigns that wait for a seal, 9y what votes decide of one, 9z pledges that are
promises and their payments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange.commitments import PROMISED_BY
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import Quantity

CAMPAIGN, PLEDGE, WAITING = (
    Table.CAMPAIGN.prefix,
    Table.PLEDGE.prefix,
    Table.WAITING_CAMPAIGN.prefix,
)
DECIDES = Table.CAMPAIGN_VOTE.prefix

OPEN, FAILED, CANCELLED, REPLACED = "open", "failed", "cancelled", "replaced"
COLLECTING, COLLECTED, SHORT = "collecting", "collected", "short"

ALL, KEEP = "all", "keep"
SORTS = (ALL, KEEP)
GIFT, LOAN, SHARE, REWARD = "gift", "loan", "share", "reward"
GIVES = (GIFT, LOAN, SHARE, REWARD)
RETURN, EXTEND, GO_ON = "return", "extend", "go_on"
"""What the rules do with a campaign that is short."""
CLAIM, BUCKET = "claim", "bucket"
"""How the rules give a loan back: as a claim, or by a bucket of a pool."""


class CampaignRow(NamedTuple):
    """A campaign in the state; amounts are whole numbers at its scale, times ms since 1970.

    minimum, optimum, maximum: of what is pledged. least, most: of one pledge. matching: how much
    matching pledges add to 1 of the others. reward: what each who pays is promised, as a quantity.
    short, loans: what the rules said when it was written. pledges: how many records pledged to it.
    height: of the seal that closed it; 0 before. met: whether that found it met. total: what then
    counted; paid: how much of that came in, and others attested, as of the last seal.
    """

    member: bytes
    clock: int
    unit: str
    scale: int
    minimum: int
    optimum: int | None
    maximum: int | None
    deadline: int
    collect_by: int
    sort: str
    gives: str
    least: int | None
    most: int | None
    matching: int
    scope: str | None
    reward: list[Any] | None
    short: str
    loans: str
    status: str = OPEN
    pledges: int = 0
    height: int = 0
    met: bool = False
    total: int = 0
    paid: int = 0

    @property
    def needed(self) -> int:
        """How much must come: a campaign that keeps what comes needs nothing."""
        return self.minimum if self.sort == ALL else 0

    @property
    def is_owed_back(self) -> bool:
        """Whether what was paid to it is owed back to who paid."""
        if not self.met:
            return False
        if self.status == CANCELLED or (self.status == SHORT and self.short == RETURN):
            return True
        return self.gives == LOAN and self.loans == CLAIM and self.is_used

    @property
    def is_used(self) -> bool:
        """Whether the community uses what came in."""
        return self.status == COLLECTED or (self.status == SHORT and self.short == GO_ON)


class PledgeRow(NamedTuple):
    """The last pledge of a member to a campaign.

    number: its place in the order of seals. part: a part of it may count, where the maximum leaves
    no more. matches: it adds to the pledges of others. withdrawn: the record that did. counted: how
    much counted when the campaign was met, else None; back: how much of what was paid became a
    claim.
    """

    record: bytes
    clock: int
    amount: int
    part: bool
    matches: bool
    number: int
    withdrawn: bytes | None = None
    counted: int | None = None
    back: int = 0


def campaign_row(state: State, campaign: bytes) -> CampaignRow | None:
    """Return a campaign; None when there is none of this id."""
    value = state.get(CAMPAIGN + campaign)
    return None if value is None else CampaignRow(*value)


def put_campaign(state: State, campaign: bytes, row: CampaignRow) -> None:
    """Write a campaign, and whether a seal will do something with it."""
    state.put(CAMPAIGN + campaign, [*row])
    key = WAITING + row.member + campaign
    is_waiting = row.status in (OPEN, COLLECTING)
    if is_waiting and state.get(key) is None:
        state.put(key, True)
    elif not is_waiting and state.get(key) is not None:
        state.delete(key)


def campaigns(state: State) -> Iterator[tuple[bytes, CampaignRow]]:
    """Yield every campaign, by id."""
    for key, value in state.items(CAMPAIGN):
        yield key[len(CAMPAIGN) :], CampaignRow(*value)


def waiting(state: State, member: bytes = b"") -> list[tuple[bytes, CampaignRow]]:
    """Return the campaigns that are open or collect, of a member or of all, by id."""
    ids = sorted(key[-_ID_BYTES:] for key, _ in state.items(WAITING + member))
    rows = ((id, campaign_row(state, id)) for id in ids)
    return [(id, row) for id, row in rows if row is not None]


def pledge_row(state: State, campaign: bytes, member: bytes) -> PledgeRow | None:
    """Return the last pledge of a member to a campaign; None when they made none."""
    value = state.get(PLEDGE + campaign + member)
    return None if value is None else PledgeRow(*value)


def put_pledge(state: State, campaign: bytes, member: bytes, row: PledgeRow) -> None:
    """Write the pledge of a member."""
    state.put(PLEDGE + campaign + member, [*row])


def pledges(state: State, campaign: bytes) -> list[tuple[bytes, PledgeRow]]:
    """Return the last pledge of each member to a campaign, in the order of seals."""
    prefix = PLEDGE + campaign
    rows = [(key[len(prefix) :], PledgeRow(*value)) for key, value in state.items(prefix)]
    return sorted(rows, key=lambda pledge: pledge[1].number)


def standing(state: State, campaign: bytes) -> list[tuple[bytes, PledgeRow]]:
    """Return the pledges that were not withdrawn, of members who are here, in order."""
    return [
        (member, row)
        for member, row in pledges(state, campaign)
        if row.withdrawn is None and registry.is_active(state, member)
    ]


def campaign_of(state: State, promise: bytes | None) -> bytes | None:
    """Return the campaign that a pledge became a promise to; None when it is no such promise."""
    value: bytes | None = None if promise is None else state.get(PROMISED_BY + promise)
    return value


def at_scale(quantity: Quantity, scale: int) -> int | None:
    """Return an amount at a scale; None when it is finer."""
    if quantity.scale <= scale:
        return int(quantity.n * 10 ** (scale - quantity.scale))
    grain = 10 ** (quantity.scale - scale)
    return None if quantity.n % grain else quantity.n // grain


_ID_BYTES = 32
