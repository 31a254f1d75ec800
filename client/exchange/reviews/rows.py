"""Reviews as members read them: the results of `Reviews`, and the words for how each stands."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.language.words import N_
from commonweal.protocol.records.record import RecordId

NONE, WRITTEN, BOTH, CLOSING = "none", "written", "both", "closing"
OPEN, WITHHELD, REVIEW_VOID = "open", "withheld", "void"
REVIEW_STATES = {
    NONE: N_("not written"),
    WRITTEN: N_("written, 1 of 2"),
    BOTH: N_("both written"),
    CLOSING: N_("time is over, to be opened"),
    OPEN: N_("open"),
    WITHHELD: N_("withheld"),
    REVIEW_VOID: N_("void"),
}
"""How a review stands, and the words for it."""


@dataclass(frozen=True, slots=True)
class DealReview:
    """What one party of a deal thinks of another. state: a key of REVIEW_STATES.

    id: of the review; None while it is not written. rating: 1 to 5 stars; it, on_time, as_agreed
    and text are None before it is opened, but of an own one that this home keeps: then only_here.
    text: also None without a text, or where it was erased. until_ms: until when it is written, or
    opened; None once that is over. may_write: this member can write it now. sealed: a seal covers
    it, and what opened it.
    """

    id: RecordId | None
    deal: RecordId
    words: str
    member: bytes
    member_name: str
    about: bytes
    about_name: str
    you: bool
    state: str
    rating: int | None
    on_time: bool | None
    as_agreed: bool | None
    text: str | None
    only_here: bool
    until_ms: int | None
    may_write: bool
    sealed: bool


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """The reviews of a member that are open, and their own that stay withheld.

    stars: the sum of the ratings; reviews: how many there are. opened: how many of these others
    wrote; on_time, as_agreed: how many of those say so. withheld: reviews that the member wrote and
    never opened.
    """

    stars: int = 0
    reviews: int = 0
    opened: int = 0
    on_time: int = 0
    as_agreed: int = 0
    withheld: int = 0

    @property
    def tenths(self) -> int | None:
        """The mean of the stars in tenths, rounded down; None without a review."""
        return self.stars * 10 // self.reviews if self.reviews else None


@dataclass(frozen=True, slots=True)
class NewReview:
    """A review that was written. id: of the review. until_ms: when the time to review ends."""

    id: RecordId
    seq: int
    deal: RecordId
    about_name: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class OpenedReview:
    """A review that was opened. id: of the record that opened it."""

    id: RecordId
    seq: int
    deal: RecordId
    about_name: str
