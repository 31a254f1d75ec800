"""Members, roles and invites."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from pydantic import Field

from commonweal.client.community.invites import INVITE_USES_MAX
from commonweal.client.community.members import RoleClaim, RoleRules
from commonweal.client.member import Member
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import DurationText, Filter, Id, IdText, Name, NameText, NoteText

router = SubjectRouter(tags=["members"])


class NamedMember(Body):
    """A member, by name or by how their id begins."""

    member: NameText


class Removal(NamedMember):
    """Who shall be a member no longer. note: why, for those who vote; it is never erased."""

    note: NoteText | None = None


class ForkResolution(Body):
    """A record, one of two by which a log forked, that shall count all the same."""

    record: IdText
    note: NoteText | None = None


class InviteTerms(Body):
    """For how many an invite is, and for how long."""

    uses: int = Field(default=1, ge=1, le=INVITE_USES_MAX)
    expires: DurationText = "7d"


@router.reads("/members", rows_of("members", Member.members))
def members(me: Reader, page: Page) -> Any:
    """The members first, by name, then those who were or want to be: `weal members`."""
    rows, rest = page.part(me.members(), lambda row: row.member)
    return {"members": rows, "next": rest}


@router.reads("/devices", rows_of("devices", Member.devices))
def devices(me: Reader, page: Page, member: Filter = None) -> Any:
    """The devices of the community, or of one member: `weal device list`."""
    rows, rest = page.part(me.devices(member=member), lambda row: row.device)
    return {"devices": rows, "next": rest}


@router.reads(
    "/roles",
    page_of("claims", model_of(RoleClaim), roles=list[model_of(RoleRules)]),  # type: ignore[misc]
)
def roles(me: Reader, page: Page) -> Any:
    """The roles that the rules have, and who holds or claims them: `weal role list`."""
    listed = me.roles()
    rows, rest = page.part(listed.claims, lambda row: (row.role, row.member))
    return {"claims": rows, "roles": listed.roles, "next": rest}


@router.writes("/roles/{role}/claims", result_of(Member.claim_role, "needed", "asked"))
def claim_role(write: Writes, role: Name) -> Response:
    """Claim a role, as `weal role claim`."""

    def claimed(me: Member) -> dict[str, Any]:
        made = me.claim_role(role)
        return {"id": made.id, "seq": made.seq, "role": made.role}

    return write(claimed)


@router.writes("/roles/{role}/endorsements", result_of(Member.endorse_role))
def endorse_role(write: Writes, role: Name, body: NamedMember) -> Response:
    """Agree that a member serves in a role, as `weal role endorse`."""
    return write(lambda me: me.endorse_role(body.member, role), body)


@router.writes("/roles/{role}/resignation", result_of(Member.resign_role, "is_seated"))
def resign_role(write: Writes, role: Name) -> Response:
    """Give a role back, or the claim of it, as `weal role resign`."""

    def resigned(me: Member) -> dict[str, Any]:
        made = me.resign_role(role)
        return {"id": made.id, "seq": made.seq, "role": made.role}

    return write(resigned)


@router.writes("/vouches", result_of(Member.vouch, "given", "needed"))
def vouch(write: Writes, body: NamedMember) -> Response:
    """Vouch for a member who asks to join, as `weal vouch`."""

    def vouched(me: Member) -> dict[str, Any]:
        made = me.vouch(body.member)
        return {"id": made.id, "seq": made.seq, "member": made.member}

    return write(vouched, body)


@router.writes("/removals", result_of(Member.remove, "others"))
def remove(write: Writes, body: Removal) -> Response:
    """Propose that somebody is a member no longer, as `weal remove`."""

    def proposed(me: Member) -> dict[str, Any]:
        made = me.remove(body.member, note=body.note)
        return {"id": made.id, "seq": made.seq, "member": made.member}

    return write(proposed, body)


@router.writes("/fork-resolutions", result_of(Member.resolve_fork))
def resolve_fork(write: Writes, body: ForkResolution) -> Response:
    """Propose which record of a fork counts, as `weal resolve`."""
    return write(lambda me: me.resolve_fork(body.record, note=body.note), body)


@router.writes("/referrals", result_of(Member.refer))
def refer(write: Writes, body: NamedMember) -> Response:
    """Say who brought this member here, as `weal referral`."""
    return write(lambda me: me.refer(body.member), body)


@router.reads("/invites", rows_of("invites", Member.invites))
def invites(me: Reader, page: Page) -> Any:
    """The invites, used and revoked ones too: `weal invite list`."""
    rows, rest = page.part(me.invites(), lambda row: row.id)
    return {"invites": rows, "next": rest}


@router.writes("/invites", result_of(Member.invite))
def invite(write: Writes, body: InviteTerms) -> Response:
    """Make a link by which others join, as `weal invite create`.

    Whoever holds it joins by the member's word. It is in the first answer alone.
    """
    return write(lambda me: me.invite(uses=body.uses, expires=body.expires), body)


@router.writes("/invites/{id}/revocation", result_of(Member.revoke_invite))
def revoke_invite(write: Writes, id: Id) -> Response:
    """Take an invite back, as `weal invite revoke`."""
    return write(lambda me: me.revoke_invite(id))
