"""Reviews of deals that are done: written unseen, and what the open ones of members add up to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, Field

from commonweal.client.exchange.reviews.reviews import Reviews
from commonweal.client.exchange.reviews.rows import DealReview, OpenedReview
from commonweal.protocol.ledger.exchange.reviews.review_secret import RATING_MAX, RATING_MIN
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import HexText, model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import Id, IdFilter, NameText, NoteText

router = SubjectRouter(tags=["reviews"])

NAMED_BYTES = 8
"""Of the ids of both sides: with the deal, they name a review that is not written yet."""


class ReviewBody(Body):
    """What a member thinks of another party. about: a name or an id, where there are several."""

    rating: Annotated[int, Field(ge=RATING_MIN, le=RATING_MAX)]
    on_time: bool
    as_agreed: bool
    note: NoteText | None = None
    about: NameText | None = None


class OpenedReviews(BaseModel):
    """The reviews that were opened, which may be none."""

    opened: list[model_of(OpenedReview)]  # type: ignore[valid-type]


class MemberStars(BaseModel):
    """What the open reviews of a member add up to. stars_tenths: the mean, rounded down."""

    member: HexText
    member_name: str
    reviews: int
    stars_tenths: int | None
    opened: int
    on_time: int
    as_agreed: int
    withheld: int


@router.reads("/reviews", rows_of("reviews", Reviews.reviews))
def reviews(me: Reader, page: Page, deal: IdFilter = None, everyone: bool = False) -> Any:
    """The reviews of this member's deals, or of one deal, as `weal review list`."""
    rows, rest = page.part(me.reviews(deal, everyone=everyone), _name)
    return {"reviews": rows, "next": rest}


@router.writes("/deals/{id}/reviews", result_of(Reviews.review_deal))
def review(write: Writes, id: Id, body: ReviewBody) -> Response:
    """Review a party of a deal that is done, unseen, as `weal review`."""
    said: dict[str, Any] = {"on_time": body.on_time, "as_agreed": body.as_agreed}
    said |= {"note": body.note, "about": body.about}
    return write(lambda me: me.review_deal(id, body.rating, **said), body)


@router.writes("/reviews/openings", OpenedReviews)
def open_reviews(write: Writes) -> Response:
    """Open the reviews for which nobody waits blind, as `weal review open`; a node does so too."""
    return write(lambda me: {"opened": me.open_reviews()})


@router.reads("/review-stars", page_of("members", MemberStars))
def stars(me: Reader, page: Page) -> Any:
    """What the open reviews of members add up to, as of the last seal."""
    rows, rest = page.part([*me.review_summaries().items()], lambda row: row[0])
    names = me.view
    members = [
        {
            "member": id,
            "member_name": names.name(id),
            "reviews": said.reviews,
            "stars_tenths": said.tenths,
            "opened": said.opened,
            "on_time": said.on_time,
            "as_agreed": said.as_agreed,
            "withheld": said.withheld,
        }
        for id, said in rows
    ]
    return {"members": members, "next": rest}


def _name(row: DealReview) -> tuple[bytes, ...]:
    return (row.deal, row.member[:NAMED_BYTES], row.about[:NAMED_BYTES])
