"""The secret part of a review: what its writer keeps until it is opened, and the commit to it.

commit = H("cw1/review", [agreement, about, member, rating, onTime, asAgreed, text, salt]), where
text is the hash of the body of the opening, or empty. The salt keeps anybody from trying all
ratings; the body has a salt of its own, which is erased with the text. Nothing here makes salts.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.ledger.state.context import is_bytes, is_count
from commonweal.protocol.records.record import SALT_BYTES

REVIEW_SALT_BYTES = 32
RATING_MIN, RATING_MAX = 1, 5
REVIEW_TEXT_BYTES_MAX = 8 * 1024
MEDIA_TYPE = "text/plain"


class ReviewedDeal(NamedTuple):
    """The deal, about which party the review is, and who wrote it: 32 bytes each."""

    agreement: bytes
    about: bytes
    member: bytes


class Judgement(NamedTuple):
    """What a review says, without its text. rating: RATING_MIN..RATING_MAX stars."""

    rating: int
    on_time: bool
    as_agreed: bool


class ReviewSecret(NamedTuple):
    """What the writer of a review keeps. text: may be empty. text_salt: that of its body."""

    judgement: Judgement
    text: str
    salt: bytes
    text_salt: bytes

    def to_bytes(self) -> bytes:
        """Return what `read_secret` reads."""
        return codec.encode([*self.judgement, self.text, self.salt, self.text_salt])


def read_secret(data: bytes) -> ReviewSecret:
    """Return the secret in these bytes. Raises Malformed."""
    match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
        case [rating, bool(on_time), bool(as_agreed), str(text), salt, text_salt] if (
            is_rating(rating)
            and is_bytes(salt, REVIEW_SALT_BYTES)
            and is_bytes(text_salt, SALT_BYTES)
        ):
            return ReviewSecret(Judgement(rating, on_time, as_agreed), text, salt, text_salt)
        case _:
            raise Malformed("not a secret of a review")


def is_rating(value: Any) -> TypeGuard[int]:
    """Return whether a value is a number of stars."""
    return is_count(value, RATING_MIN, RATING_MAX)


def commit_of(deal: ReviewedDeal, judgement: Judgement, text_hash: bytes, salt: bytes) -> bytes:
    """Return the commit to a review, 32 bytes. text_hash: of its body; empty without a text."""
    fields: codec.Value = [*deal, *judgement, text_hash, salt]
    return keys.hash32(keys.REVIEW, codec.encode(fields))
