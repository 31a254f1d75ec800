"""What suits each other: suggestions, rounds and rings."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from commonweal.client.exchange.matching.matches import Matches, RingProposals
from commonweal.client.exchange.matching.swaps import Swaps
from commonweal.client.member import Member
from commonweal.protocol.matching.swaps import WISHES_MAX
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.models import result_of
from commonweal.web.api.parameters import Filter, NameText, NoteText

router = SubjectRouter(tags=["matches"])

MATCHES_MAX = 200
"""Suggestions in one answer: all that there are for one member."""


class RingProposal(Body):
    """How a ring or a swap is proposed. answer_by: until when others can say yes, a day or time."""

    answer_by: NameText | None = None
    note: NoteText | None = None


class SwapWishes(Body):
    """A thing of this member, and the things that they would give it for, the best first."""

    resource: NameText
    wanted: Annotated[list[NameText], Field(min_length=1, max_length=WISHES_MAX)]


@router.reads("/matches", result_of(Matches.matches))
def matches(me: Reader, member: Filter = None) -> Any:
    """What suits the offers and needs of a member, else of this one, as `weal match`."""
    return me.matches(member, limit=MATCHES_MAX)


@router.reads("/matches/round", result_of(Matches.match_round))
def match_round(me: Reader, balanced: Filter = None) -> Any:
    """A round for all, as `weal match --round`; balanced: a unit, as `--balanced`."""
    return me.match_round(balanced=balanced)


@router.reads("/matches/swaps", result_of(Swaps.swaps))
def swaps(me: Reader) -> Any:
    """Swaps of things of one kind, as `weal match --swaps`."""
    return me.swaps()


@router.reads("/matches/rings", result_of(Matches.rings))
def rings(me: Reader) -> Any:
    """Rings in which each gives to the next, as `weal match --rings`."""
    return me.rings()


@router.writes("/matches/rings/{number}", result_of(RingProposals.propose_ring))
def propose_ring(write: Writes, number: int, body: RingProposal) -> Response:
    """Propose a ring of the list as one deal, as `weal match --rings --propose`."""

    def proposed(me: Member) -> Any:
        return me.propose_ring(number, answer_by=body.answer_by, note=body.note)

    return write(proposed, body)


@router.writes("/matches/swaps", result_of(Swaps.wish_swap))
def wish_swap(write: Writes, body: SwapWishes) -> Response:
    """Say for which things one would give a thing of the same kind, as `weal swap`."""
    return write(lambda me: me.wish_swap(body.resource, body.wanted), body)


@router.writes("/matches/swaps/{number}", result_of(Swaps.propose_swap))
def propose_swap(write: Writes, number: int, body: RingProposal) -> Response:
    """Propose a swap of the list as one deal, as `weal match --swaps --propose`."""

    def proposed(me: Member) -> Any:
        return me.propose_swap(number, answer_by=body.answer_by, note=body.note)

    return write(proposed, body)
