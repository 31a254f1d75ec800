"""The market: what members offer and need, as it stands at the last seal, the newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.exchange.offer_rows import (
    OFFER,
    OPEN,
    PARTLY,
    PURPOSES,
    STATES,
    ListedOffer,
    PartStanding,
    changeable,
    is_meant_for,
    listed_offer,
    sealed_at,
    standing,
    texts,
)
from commonweal.client.exchange.offer_terms import read_tag
from commonweal.client.ledger.names.named import find_agent, find_spec
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.protocol.errors import UnknownTag, UsageError
from commonweal.protocol.ledger.exchange.offers.offers import OFFER as OFFERS
from commonweal.protocol.ledger.exchange.offers.offers import offer_row
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import displayed_name

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

CURRENT = (OPEN, PARTLY)
"""States of what one can still take."""
ALL = "all"
CLOSED = ("withdrawn", "replaced", ALL)
"""States for which also what is closed for good is looked at."""

_ENTRIES = """
    SELECT offer, offer_row.clock, offer_row.member, purpose, offer_row.status, offer_row.ends,
        is_for_all, intent, intent_row.status, left_n > 0, is_taken, intent_row.ends,
        provider, receiver, tags, specification
    FROM offer_row JOIN offer_part_row ON offer = offer_row.id AND NOT in_return
        JOIN intent_row ON intent_row.id = intent
    WHERE ?1 OR offer_row.status = 'open' ORDER BY offer, number
"""


@dataclass(frozen=True, slots=True)
class MarketList:
    """Offers and needs that fit, the newest first; total: how many, listed or not.

    at_ms: the time of the last seal, by which their states are computed; None before the first.
    """

    total: int
    at_ms: int | None
    height: int
    offers: tuple[ListedOffer, ...]


@dataclass(frozen=True, slots=True)
class TagInUse:
    """A tag, and how many offers and needs that are open have it."""

    tag: str
    offers: int


class MarketEntry(NamedTuple):
    """An offer before its texts are read. parts, tags, kinds: of all that it publishes."""

    id: RecordId
    clock: int
    member: bytes
    purpose: str
    status: str
    end_ms: int | None
    is_for_all: bool
    parts: list[PartStanding]
    intents: list[RecordId]
    tags: list[str]
    kinds: list[str | None]

    @property
    def agent(self) -> bytes | None:
        """Who gives or gets by it."""
        first = self.parts[0]
        return first.provider if self.purpose == PURPOSES[OFFER] else first.receiver


class Market(HomeAccess):
    """What members offer and need."""

    def market(
        self,
        *,
        sort: str | None = None,
        mine: bool | None = None,
        tag: str | None = None,
        member: str | None = None,
        spec: str | None = None,
        text: str | None = None,
        state: str | None = None,
        start: int = 0,
        limit: int | None = None,
    ) -> MarketList:
        """Return offers and needs that fit, from the `start`th on, at most `limit`.

        sort: "offer" or "need". mine: only those that this member may change; or, False, only those
        of others that are meant for them. text: in a title, a note, a tag, or the beginning of the
        id. state: a key of STATES, or "all"; without it, of what is open or partly taken, and of
        mine also what is paused, taken or ended. Raises UnknownId, AmbiguousId, UnknownTag,
        UnusableText, UsageError.
        """
        view = self.view
        wanted = self._conditions(sort, mine, state)
        if tag:
            chosen = self._tag(tag, closed=state in CLOSED)
            wanted.append(lambda entry: chosen in entry.tags)
        if member:
            agent = find_agent(view, member)
            wanted.append(lambda entry: agent in _agents(entry))
        if spec:
            kind = spec_name(view, find_spec(view, spec))
            wanted.append(lambda entry: kind in entry.kinds)
        if text:
            part = displayed_name(text).casefold()
            wanted.append(lambda entry: _has(view, entry, part))
        entries = _entries(view, closed=state in CLOSED)
        rows = [entry for entry in entries if all(is_wanted(entry) for is_wanted in wanted)]
        rows.sort(key=lambda entry: (-entry.clock, entry.id))
        shown = rows[start:] if limit is None else rows[start : start + limit]
        offers = tuple(self.offer_of(entry.id) for entry in shown)
        return MarketList(len(rows), sealed_at(view) or None, view.kept.cut.height, offers)

    def offer_of(self, id: str | bytes) -> ListedOffer:
        """Return one offer or need, as it stands. Raises UnknownId, AmbiguousId."""
        chosen = self.view.id_among(prefix(id), OFFERS)
        row = offer_row(self.view.state, chosen)
        assert row is not None, "it is an offer"
        return listed_offer(self.view, chosen, row)

    def market_tags(self) -> list[TagInUse]:
        """Return the tags of what is open, the most used first."""
        counts = tags_in_use(self.view, CURRENT)
        pairs = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [TagInUse(tag, count) for tag, count in pairs]

    def _conditions(
        self, sort: str | None, mine: bool | None, state: str | None
    ) -> list[Callable[[MarketEntry], bool]]:
        """Return the conditions that need no name to be looked up. Raises UsageError."""
        view, at_ms = self.view, sealed_at(self.view)
        if sort is not None and sort not in PURPOSES:
            raise UsageError(self.words("either offers or needs: {sort}").format(sort=sort))
        if state is not None and state not in (*STATES, ALL):
            text = self.words("{state} is no state; they are {states}")
            raise UsageError(text.format(state=state, states=", ".join((*STATES, ALL))))
        wanted: list[Callable[[MarketEntry], bool]] = []
        if sort is not None:
            wanted.append(lambda entry: entry.purpose == PURPOSES[sort])
        if mine is not None:
            is_mine = changeable(view)
            wanted.append(lambda entry: is_mine(entry.member, entry.agent) is mine)
        if mine is False:
            wanted.append(lambda entry: entry.is_for_all or _is_for_me(view, entry))
        if state is None:
            gone = ("withdrawn", "replaced")
            wanted.append(
                (lambda entry: _state(entry, at_ms) not in gone)
                if mine
                else (lambda entry: _state(entry, at_ms) in CURRENT)
            )
        elif state != ALL:
            wanted.append(lambda entry: _state(entry, at_ms) == state)
        return wanted

    def _tag(self, typed: str, *, closed: bool) -> str:
        """Return a tag that some offer has. Raises UnknownTag with the nearest one."""
        from difflib import get_close_matches

        tag, known = read_tag(typed, self.words), tags_in_use(self.view, closed=closed)
        if tag in known:
            return tag
        near = get_close_matches(tag, known, n=1)
        hint = self.words("; the nearest is {name}").format(name=near[0]) if near else ""
        raise UnknownTag(tag + hint)


def tags_in_use(
    view: LedgerView, states: tuple[str, ...] = tuple(STATES), *, closed: bool = False
) -> Counter[str]:
    """Return the tags of offers and needs in some states, and how many have each.

    closed: also those that were withdrawn or replaced.
    """
    counts: Counter[str] = Counter()
    at_ms = sealed_at(view)
    for entry in _entries(view, closed=closed):
        if _state(entry, at_ms) in states:
            counts.update(set(entry.tags))
    return counts


def _entries(view: LedgerView, *, closed: bool) -> Iterator[MarketEntry]:
    """Yield what stands, or, where the closed ones are asked for, all that there ever was."""
    rows = view.kept.layers.rows(_ENTRIES, (closed,))
    for id, of_offer in groupby(rows, key=itemgetter(0)):
        listed = list(of_offer)
        clock, member, purpose, status, end_ms, is_for_all = listed[0][1:7]
        yield MarketEntry(
            RecordId(id),
            clock,
            member,
            purpose,
            status,
            end_ms,
            bool(is_for_all),
            [PartStanding(*row[8:14]) for row in listed],
            [RecordId(row[7]) for row in listed],
            [tag for row in listed for tag in row[14].split(",") if tag],
            [row[15] for row in listed],
        )


def _state(entry: MarketEntry, at_ms: int) -> str:
    return standing(entry.status, entry.end_ms, entry.parts, at_ms)


def _is_for_me(view: LedgerView, entry: MarketEntry) -> bool:
    row = offer_row(view.state, entry.id)
    return row is not None and is_meant_for(view, row, view.me)


def _agents(entry: MarketEntry) -> Iterator[bytes | None]:
    yield entry.member
    for part in entry.parts:
        yield from (part.provider, part.receiver)


def _has(view: LedgerView, entry: MarketEntry, part: str) -> bool:
    """Whether a text is in the titles, notes or tags of an offer, or begins its id."""
    if entry.id.hex().startswith(part) or any(part in tag for tag in entry.tags):
        return True
    said = (text for id in entry.intents for text in texts(view, id))
    return any(part in text.casefold() for text in said)
