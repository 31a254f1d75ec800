"""What cannot be undone: to leave, another key, the end of a device, sponsors.

Each needs a token of scope grave, and the passphrase again.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from commonweal.client.community.key_recovery import NewKey, new_key
from commonweal.client.member import Member
from commonweal.protocol.identity.phrase import entropy_from_phrase
from commonweal.storage.home.tokens import KeptToken
from commonweal.web.api.calls import (
    GraveBody,
    GraveWrites,
    SubjectRouter,
    WrittenRecordAnswer,
    allowed,
)
from commonweal.web.api.models import result_of
from commonweal.web.api.parameters import Id, NameText, NoteText

SPONSORS_MAX = 64

router = SubjectRouter(tags=["grave"])
GraveToken = Annotated[KeptToken, Depends(allowed("grave"))]


class MadeKey(BaseModel):
    """A key for a member. words: open everything that it will; code: names it to sponsors."""

    words: str
    code: str


class KeyChange(GraveBody):
    """The words of the new key, which were written down: those that `POST /keys` made."""

    words: NoteText


class KeyGift(GraveBody):
    """Which member shall have the key of which code."""

    member: NameText
    code: NameText


class SponsorNames(GraveBody):
    """Who together can give this member another key; nobody where the list is empty."""

    members: list[NameText] = Field(max_length=SPONSORS_MAX)
    needed: Annotated[int, Field(ge=1, le=SPONSORS_MAX)] | None = None


class SponsorsAnswer(WrittenRecordAnswer):
    """The record that names sponsors. needed: how many of them it takes."""

    needed: int


class KeyGiftAnswer(WrittenRecordAnswer):
    """The record of a sponsor. said: how many sponsors have, of those that are needed."""

    said: int
    needed: int


@router.writes("/leave", WrittenRecordAnswer)
def leave(write: GraveWrites, body: GraveBody) -> Response:
    """Leave the community, as `weal leave`. One comes back only by a new invite."""
    return write(lambda me: me.leave(), body)


@router.asks("/keys", MadeKey)
def make_key(_token: GraveToken) -> Any:
    """Make words and the code of a key, as `weal key new`; nothing is kept or changed by it."""
    made = new_key()
    return {"words": made.words, "code": made.code}


@router.writes("/key", WrittenRecordAnswer)
def change_key(write: GraveWrites, body: KeyChange) -> Response:
    """Let a new key take the place of the old one, as `weal key change`."""

    def changed(me: Member) -> Any:
        made = NewKey(body.words, "", entropy_from_phrase(body.words))
        return me.change_key(made, passphrase=body.passphrase)

    return write(changed, body)


@router.writes("/key-gifts", KeyGiftAnswer)
def give_key(write: GraveWrites, body: KeyGift) -> Response:
    """Say, as a sponsor, that a member shall have a key, as `weal key give`."""

    def given(me: Member) -> dict[str, Any]:
        made = me.give_key(body.member, body.code)
        return {"id": made.id, "seq": made.seq, "said": made.given, "needed": made.needed}

    return write(given, body)


@router.writes("/devices/{id}/revocation", result_of(Member.revoke_device))
def revoke_device(write: GraveWrites, id: Id, body: GraveBody) -> Response:
    """End a device of this member, as `weal device revoke`."""
    return write(lambda me: me.revoke_device(id), body)


@router.writes("/sponsors", SponsorsAnswer)
def name_sponsors(write: GraveWrites, body: SponsorNames) -> Response:
    """Name members who together can give this one another key, as `weal key sponsors`."""

    def named(me: Member) -> dict[str, Any]:
        made = me.name_sponsors(*body.members, needed=body.needed)
        return {"id": made.id, "seq": made.seq, "needed": made.needed}

    return write(named, body)
