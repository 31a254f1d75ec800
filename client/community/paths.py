"""Paths: who waits to join and what they lack, and what the next role asks of this member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, wish_of
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.keys import MemberId, short
from commonweal.protocol.ledger.members import invites, membership, roles
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class WaitingNewcomer:
    """Somebody who asks to join. request: the record that asks. inviter: whose invite they hold.

    given, needed: members who vouch, the inviter too. is_vouched: by this member. refusal: why a
    vouch of this member would not count, "" where it would.
    """

    member: MemberId
    name: str
    request: RecordId
    inviter_name: str
    given: int
    needed: int
    until_ms: int | None
    is_vouched: bool
    refusal: str

    @property
    def short_id(self) -> str:
        """The digits by which people compare an id."""
        return short(self.member)

    @property
    def is_named(self) -> bool:
        """Whether their name is known: of who never was a member, it is not yet."""
        return self.name != f"?{self.short_id}"

    @property
    def missing(self) -> int:
        """How many must vouch still."""
        return max(0, self.needed - self.given)


@dataclass(frozen=True, slots=True)
class RoleStep:
    """A role, and how far this member is on the way to it.

    needed: endorsements; after: roles of which one comes before it. holders: who holds it, by name.
    is_held, is_claimed: by this member. endorsements: of their claim. missing: the roles of which
    they hold none although one is asked. refusal: why a claim would not count now, "" where it
    would.
    """

    role: str
    duties: str
    benefits: str
    needed: int
    after: tuple[str, ...]
    holders: tuple[str, ...]
    is_held: bool
    is_claimed: bool
    endorsements: int
    missing: tuple[str, ...]
    refusal: str


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """A role that another member claims. refusal: why this member cannot endorse it, "" if so."""

    role: str
    member: MemberId
    member_name: str
    claim: RecordId
    endorsements: int
    needed: int
    refusal: str


class MemberPaths(HomeAccess):
    """The way into the community, and on from role to role."""

    def newcomers(self) -> list[WaitingNewcomer]:
        """Return who asks to join, the first to ask first."""
        view = self.view
        needed = view.kept.rules.membership.vouches
        return [
            _newcomer(view, request, needed) for request in membership.pending_requests(view.state)
        ]

    def role_steps(self) -> list[RoleStep]:
        """Return each role of the rules, those that come before others first."""
        view = self.view
        catalogue = view.kept.rules.roles
        own = roles.roles(view.state, view.me)
        active = [row.id for row in membership.members(view.state) if row.status == "active"]
        steps = []
        for name in _in_order({role: tuple(rule.after) for role, rule in catalogue.items()}):
            rule, row = catalogue[name], own.get(name)
            holders = (member for member in active if roles.holds(view.state, member, name))
            has_way = any(roles.holds(view.state, view.me, before) for before in rule.after)
            refusal = "" if row else _refused(view, "role.claim", {"role": name}, ())
            steps.append(
                RoleStep(
                    role=name,
                    duties=rule.duties,
                    benefits=rule.benefits,
                    needed=rule.endorsements,
                    after=tuple(rule.after),
                    holders=tuple(sorted(map(view.name, holders))),
                    is_held=row is not None and row.held,
                    is_claimed=row is not None and not row.held,
                    endorsements=0 if row is None else row.endorsements,
                    missing=() if has_way else tuple(rule.after),
                    refusal=refusal,
                )
            )
        return steps

    def open_claims(self) -> list[OpenClaim]:
        """Return the roles that other members claim and do not hold yet."""
        view = self.view
        catalogue = view.kept.rules.roles
        claims = []
        for member in membership.members(view.state):
            if member.id == view.me or member.status != "active":
                continue
            for name, row in sorted(roles.roles(view.state, member.id).items()):
                if row.held or name not in catalogue:
                    continue
                data: dict[str, str | bytes] = {"role": name, "member": bytes(member.id)}
                claims.append(
                    OpenClaim(
                        role=name,
                        member=member.id,
                        member_name=view.name(member.id),
                        claim=RecordId(row.claim),
                        endorsements=row.endorsements,
                        needed=catalogue[name].endorsements,
                        refusal=_refused(view, "role.endorse", data, (row.claim,)),
                    )
                )
        return claims


def _newcomer(view: LedgerView, request: membership.Request, needed: int) -> WaitingNewcomer:
    invite = membership.invite(view.state, request.invite)
    assert invite is not None, "a request is under a known invite"
    is_vouched = view.state.get(invites.VOUCH + request.id + view.me) is not None
    data = {"member": bytes(request.member), "request": bytes(request.id)}
    return WaitingNewcomer(
        member=request.member,
        name=view.name(request.member),
        request=request.id,
        inviter_name=view.name(invite.author),
        given=request.vouches,
        needed=needed,
        until_ms=invite.expires,
        is_vouched=is_vouched,
        refusal=_refused(view, "member.vouch", data, (request.id,)),
    )


def _refused(
    view: LedgerView, kind: str, data: Mapping[str, str | bytes], cited: tuple[bytes, ...]
) -> str:
    """Return why a record would not count; "" where it would."""
    try:
        view.check(wish_of(kind, dict(data), cited))
    except CommonwealError as error:
        return str(error) or view.words.error(error)
    return ""


def _in_order(after: dict[str, tuple[str, ...]]) -> list[str]:
    """Return names so that each stands behind one of those that come before it, if it can."""
    ordered: list[str] = []
    left = sorted(after)
    while left:
        ready = [name for name in left if not after[name] or set(after[name]) & set(ordered)]
        ordered += ready or left
        left = [name for name in left if name not in ordered]
    return ordered
