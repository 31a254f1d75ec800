"""Suggestions as members read them, with the reasons of each in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import RecordId


@dataclass(frozen=True, slots=True)
class MatchReason:
    """Why two fit. value: of the feature, 0..1,000; weight: what it counts by the rules.

    speaks: whether it is known of these two, and not the value of whoever nothing is known about.
    """

    feature: str
    value: int
    weight: int
    speaks: bool
    words: str


@dataclass(frozen=True, slots=True)
class ListedMatch:
    """What one offers that suits what another needs. offer, need: ids of their intents.

    giver, taker: the member, or the community. amount: how much of it. score: 0..1,000. command:
    by which one of the two proposes it; for a part of an offer, the one who takes it.
    """

    offer: RecordId
    need: RecordId
    giver: bytes
    giver_name: str
    taker: bytes
    taker_name: str
    title: str
    need_title: str
    amount: Decimal
    unit: str
    score: int
    reasons: tuple[MatchReason, ...]
    command: str


@dataclass(frozen=True, slots=True)
class MatchList:
    """What suits a member, the best first, as of the last seal.

    height, at_ms: of that seal; at_ms None before the first. provisional: what suits only since
    then: a seal may still refuse what it stands on.
    """

    height: int
    at_ms: int | None
    member: MemberId
    member_name: str
    matches: tuple[ListedMatch, ...]
    provisional: tuple[ListedMatch, ...]


@dataclass(frozen=True, slots=True)
class MatchRound:
    """A round for all, as of the last seal. exact: no better one exists.

    balanced: the unit in which everybody gives as much as they receive, "" for a round of all.
    """

    height: int
    at_ms: int | None
    exact: bool
    balanced: str
    matches: tuple[ListedMatch, ...]


@dataclass(frozen=True, slots=True)
class ListedRing:
    """A ring: everybody in it gives to the next, and the last to the first.

    number: its place in the list, from 1. score: sum of its matches. command: by which one of its
    members proposes it as one deal.
    """

    number: int
    score: int
    flows: tuple[ListedMatch, ...]
    command: str


@dataclass(frozen=True, slots=True)
class RingList:
    """Rings of members, none in two of them, as of the last seal.

    exact: none of greater weight exist. members_max: how many a ring may have by the rules.
    """

    height: int
    at_ms: int | None
    exact: bool
    members_max: int
    rings: tuple[ListedRing, ...]


@dataclass(frozen=True, slots=True)
class SwapFlow:
    """A thing that goes from who has it to who wishes for it. offer, need: ids of the intents."""

    resource: RecordId
    resource_name: str
    giver: bytes
    giver_name: str
    taker: bytes
    taker_name: str
    offer: RecordId
    need: RecordId


@dataclass(frozen=True, slots=True)
class ListedSwap:
    """A swap. number: its place in the list, from 1. command: by which one in it proposes it."""

    number: int
    flows: tuple[SwapFlow, ...]
    command: str


@dataclass(frozen=True, slots=True)
class SwapList:
    """Swaps of all wishes, as of the last seal; there is only one such list for all wishes."""

    height: int
    at_ms: int | None
    swaps: tuple[ListedSwap, ...]


@dataclass(frozen=True, slots=True)
class NewSwapWishes:
    """Wishes that were published. offers: one for each thing that is wanted, the best first."""

    resource: RecordId
    offers: tuple[RecordId, ...]
