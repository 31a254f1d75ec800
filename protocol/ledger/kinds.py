"""The kinds of records and what each does to the state: the one place that lists them.

A kind that is not here counts for nothing, and is shown so; so does one that is reserved
for later. What a kind does is part of the fold's version, never of the program's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

from commonweal.protocol.ledger import (
    admission,
    agents,
    attestation,
    erasing,
    governance,
    inheritance,
    inviting,
    joining,
    plans,
    roles,
    seats,
    sponsoring,
    terms,
)
from commonweal.protocol.ledger.context import Context, Verdict
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import Record


class Author(Enum):
    """Who may write records of a kind."""

    ANYONE = auto()
    MEMBER = auto()
    """A device, not revoked, of a member who is active at the record's place."""


Act = Callable[[State, Record, Context], Verdict]
"""Does to the state what the record says, or says why not; never raises.

When it says why not, whatever it wrote is taken back.
"""


class Kind(NamedTuple):
    """What records of a kind do, and who may write them."""

    act: Act
    author: Author = Author.MEMBER


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "community.found": Kind(seats.found, Author.ANYONE),
        "community.inherit": Kind(inheritance.inherit),
        "device.enrol": Kind(joining.enrol, Author.ANYONE),
        "device.revoke": Kind(seats.revoke),
        "invite.create": Kind(inviting.create_invite),
        "invite.revoke": Kind(inviting.revoke_invite),
        "member.request": Kind(inviting.request, Author.ANYONE),
        "member.vouch": Kind(inviting.vouch),
        "member.leave": Kind(seats.leave),
        "member.rekey": Kind(seats.rekey),
        "member.sponsors": Kind(sponsoring.sponsor),
        "member.profile": Kind(joining.profile),
        "role.claim": Kind(roles.claim),
        "role.endorse": Kind(roles.endorse),
        "role.resign": Kind(seats.resign),
        "unit.define": Kind(terms.define_unit),
        "spec.resource": Kind(terms.specify_resource),
        "spec.process": Kind(terms.specify_process),
        "process": Kind(terms.begin_process),
        "intent": Kind(plans.intend),
        "proposal.offer": Kind(plans.offer),
        "commitment": Kind(plans.commit),
        "agreement": Kind(plans.agree),
        "agreement.sign": Kind(plans.sign),
        "event": Kind(admission.event),
        "attest": Kind(attestation.attest),
        erasing.ERASE: Kind(erasing.erase),
        "dispute": Kind(attestation.dispute),
        "agent.claim": Kind(agents.claim),
        "referral": Kind(agents.refer),
        "rules.propose": Kind(governance.propose),
        "rules.comment": Kind(governance.comment),
        "rules.vote": Kind(governance.vote),
        "rules.withdraw": Kind(governance.withdraw),
    }
)

RESERVED = ("campaign", "pledge", "review", "consent.", "fork.")
"""Kinds that are, or start, so have a meaning later and none yet."""
