"""Members, their devices and their roles: who belongs, and who may write and serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, wish_of
from commonweal.client.home.old_records import is_light
from commonweal.client.home.submit import now_ms
from commonweal.protocol.errors import WitnessKeepsAll, WouldNotCount
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.governance import witness_set
from commonweal.protocol.ledger.members import membership, roles
from commonweal.protocol.ledger.members.roles import WITNESS
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.witnesses import SAFE_WITNESSES_MIN
from commonweal.protocol.vocabulary.identifiers import normal_name

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.node.service.events import Wish


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A member, or somebody who was one or asks to be. claimed: roles that are not held yet.

    status: "active", "requested", "new", "left" or "removed". powers_ms: from when on they vote,
    None where they do.
    """

    member: MemberId
    name: str
    status: str
    devices: int
    roles: tuple[str, ...]
    claimed: tuple[str, ...]
    founder: bool
    you: bool
    powers_ms: int | None


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device that writes for a member. here: it is the one of this home."""

    device: DeviceKey
    member: MemberId
    member_name: str
    status: str | None
    records: int
    here: bool


@dataclass(frozen=True, slots=True)
class RoleClaim:
    """A role that a member holds or claims. waits_for: whose endorsement a seat waits for.

    needed: endorsements; None where the rules have no such role. final: sealed as it stands.
    """

    role: str
    member: MemberId
    member_name: str
    held: bool
    endorsements: int
    needed: int | None
    final: bool
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleRules:
    """A role as the rules have it. needed: endorsements; after: roles that come before it."""

    role: str
    needed: int
    after: tuple[str, ...]
    duties: str
    benefits: str


@dataclass(frozen=True, slots=True)
class RoleList:
    """The roles that the rules have, and who holds or claims them."""

    claims: tuple[RoleClaim, ...]
    roles: tuple[RoleRules, ...]


@dataclass(frozen=True, slots=True)
class ClaimedRole:
    """A claim of a role. needed: endorsements; asked: who must endorse a seat, by name."""

    id: RecordId
    seq: int
    role: str
    needed: int
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Endorsement:
    """An endorsement of another member's claim."""

    id: RecordId
    seq: int
    role: str
    member: MemberId


@dataclass(frozen=True, slots=True)
class Resignation:
    """A role that was given back. is_seated: the device still has a seat until the next seal."""

    id: RecordId
    seq: int
    role: str
    is_seated: bool


class Members(HomeAccess):
    """The members of the community, and what they serve as."""

    def members(self) -> list[ListedMember]:
        """Return the members first, by name, then those who were or want to be."""
        view = self.view
        founder = membership.founder(view.state)
        asking = {request.member for request in membership.pending_requests(view.state)}
        rows = [
            ListedMember(
                member=member.id,
                name=view.name(member.id),
                status="requested" if member.id in asking else member.status,
                devices=member.devices,
                roles=_roles(view, member.id, held=True),
                claimed=_roles(view, member.id, held=False),
                founder=member.id == founder,
                you=member.id == view.me,
                powers_ms=member.powers_ms if member.powers_ms > now_ms() else None,
            )
            for member in membership.members(view.state)
        ]
        return sorted(rows, key=lambda row: (row.status != "active", row.name, row.member))

    def names_alike(self) -> list[str]:
        """Return names that may be taken for each other, with their ids, a group in each entry."""
        return self.view.alike()

    def devices(self, *, member: str | None = None) -> list[ListedDevice]:
        """Return the devices of the community, or of one member."""
        view = self.view
        owner = view.member(member) if member else None
        return [
            ListedDevice(
                device.key,
                device.member,
                view.name(device.member),
                device.status,
                view.store.log(device.key).length,
                device.key == view.settings.device,
            )
            for device in membership.devices(view.state, owner)
        ]

    def roles(self) -> RoleList:
        """Return the roles that the rules have, and who holds or claims them."""
        view = self.view
        catalogue = view.kept.rules.roles
        waiting = witness_set.unendorsed(view.state, view.kept.cut.height)
        claims: list[RoleClaim] = []
        for member in membership.members(view.state):
            final = roles.roles(view.final, member.id)
            for name, row in roles.roles(view.state, member.id).items():
                asked = waiting.get(member.id, ()) if name == WITNESS else ()
                claims.append(
                    RoleClaim(
                        role=name,
                        member=member.id,
                        member_name=view.name(member.id),
                        held=row.held,
                        endorsements=row.endorsements,
                        needed=catalogue[name].endorsements if name in catalogue else None,
                        final=final.get(name) == row,
                        waits_for=tuple(map(view.name, asked)),
                    )
                )
        claims.sort(key=lambda row: (row.role, not row.held, row.member_name, row.member))
        known = tuple(
            RoleRules(name, role.endorsements, tuple(role.after), role.duties, role.benefits)
            for name, role in sorted(catalogue.items())
        )
        return RoleList(tuple(claims), known)

    def claim_role(self, role: str) -> ClaimedRole:
        """Claim a role; it is held once enough members endorse it.

        Raises WouldNotCount, and WitnessKeepsAll for that of a witness in a light home.
        """
        view, role = self.view, normal_name(role)
        if role == WITNESS and is_light(self.home):
            raise WitnessKeepsAll(self.words("make this home full before: weal start --full"))
        known = view.kept.rules.roles.get(role)
        before = () if known is None else tuple(known.after)
        cited = [
            row.claim for name, row in roles.roles(view.state, view.me).items() if name in before
        ]
        written = self._write_one("role.claim", {"role": role}, cited)
        needed = self.view.kept.rules.roles[role].endorsements
        return ClaimedRole(written.id, written.seq, role, needed, self._asked())

    def check_endorsement(self, member: str, role: str) -> None:
        """Raise WouldNotCount where `endorse_role` would."""
        self.view.check(self._endorsing(self.view.member(member), normal_name(role)))

    def endorse_role(self, member: str, role: str) -> Endorsement:
        """Agree that a member serves in a role that they claimed. Raises WouldNotCount."""
        claimant, role = self.view.member(member), normal_name(role)
        (written,) = self._write(self._endorsing(claimant, role))
        return Endorsement(written.id, written.seq, role, claimant)

    def resign_role(self, role: str) -> Resignation:
        """Give a role back, or the claim of it. Raises WouldNotCount."""
        role = normal_name(role)
        written = self._write_one("role.resign", {"role": role})
        seated = witness_set.seated(self.view.state)
        is_seated = role == WITNESS and any(witness.member == self.view.me for witness in seated)
        return Resignation(written.id, written.seq, role, is_seated)

    def seated_witnesses(self) -> int:
        """Return how many devices have a seat in the set for the next seal."""
        return len(witness_set.seated(self.view.state))

    def _endorsing(self, claimant: MemberId, role: str) -> Wish:
        row = roles.roles(self.view.state, claimant).get(role)
        if row is None:
            raise WouldNotCount(self.words(Reason.NOT_CLAIMED.value))
        return wish_of("role.endorse", {"role": role, "member": bytes(claimant)}, (row.claim,))

    def _asked(self) -> tuple[str, ...]:
        """Return the names of those whose endorsement a seat of this member waits for."""
        view = self.view
        seated = witness_set.seated(view.state)
        if len(seated) >= SAFE_WITNESSES_MIN or any(
            witness.member == view.me for witness in seated
        ):
            return ()
        return tuple(view.name(witness.member) for witness in seated)


def _roles(view: LedgerView, member: MemberId, *, held: bool) -> tuple[str, ...]:
    rows = roles.roles(view.state, member)
    return tuple(name for name, row in rows.items() if row.held is held)
