"""The kinds of records and what each does to the state: the one place that lists them.

A kind that is not here counts for nothing, and is shown so; so does one that is reserved
for later. What a kind does is part of the fold's version, never of the program's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

from commonweal.protocol.ledger.checkpoint import inheritance
from commonweal.protocol.ledger.contributions import attestation, conditions, erasure, plans
from commonweal.protocol.ledger.governance import proposals, witness_set
from commonweal.protocol.ledger.members import agents, enrolment, invites, member_keys, roles
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.records.record import Record


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
        "community.found": Kind(witness_set.found, Author.ANYONE),
        "community.inherit": Kind(inheritance.inherit),
        "device.enrol": Kind(enrolment.enrol, Author.ANYONE),
        "device.revoke": Kind(witness_set.revoke),
        "invite.create": Kind(invites.create_invite),
        "invite.revoke": Kind(invites.revoke_invite),
        "member.request": Kind(invites.request, Author.ANYONE),
        "member.vouch": Kind(invites.vouch),
        "member.leave": Kind(witness_set.leave),
        "member.rekey": Kind(witness_set.rekey),
        "member.sponsors": Kind(member_keys.sponsor),
        "member.profile": Kind(enrolment.profile),
        "role.claim": Kind(roles.claim),
        "role.endorse": Kind(roles.endorse),
        "role.resign": Kind(witness_set.resign),
        "unit.define": Kind(units_and_specs.define_unit),
        "spec.resource": Kind(units_and_specs.specify_resource),
        "spec.process": Kind(units_and_specs.specify_process),
        "process": Kind(units_and_specs.begin_process),
        "intent": Kind(plans.intend),
        "proposal.offer": Kind(plans.offer),
        "commitment": Kind(plans.commit),
        "agreement": Kind(plans.agree),
        "agreement.sign": Kind(plans.sign),
        "event": Kind(conditions.event),
        "attest": Kind(attestation.attest),
        erasure.ERASE: Kind(erasure.erase),
        "dispute": Kind(attestation.dispute),
        "agent.claim": Kind(agents.claim),
        "referral": Kind(agents.refer),
        "rules.propose": Kind(proposals.propose),
        "rules.comment": Kind(proposals.comment),
        "rules.vote": Kind(proposals.vote),
        "rules.withdraw": Kind(proposals.withdraw),
    }
)

RESERVED = ("campaign", "pledge", "review", "consent.", "fork.")
"""Kinds that are, or start, so have a meaning later and none yet."""
