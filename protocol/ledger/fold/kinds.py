"""The kinds of records, and the function that applies each: the only list of them.

A kind that is not listed counts for nothing, and so does one that is reserved for later. What a
kind does belongs to the version of the fold (`FOLD`), not to that of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

from commonweal.protocol.ledger.checkpoint import inheritance
from commonweal.protocol.ledger.contributions import (
    attestation,
    conditions,
    erasure,
)
from commonweal.protocol.ledger.exchange import commitments
from commonweal.protocol.ledger.exchange.data import consents, releases
from commonweal.protocol.ledger.exchange.deals import agreements
from commonweal.protocol.ledger.exchange.lending import blocks, terms
from commonweal.protocol.ledger.exchange.offers import intents, offers
from commonweal.protocol.ledger.exchange.promotion import promotions, referrals
from commonweal.protocol.ledger.exchange.reviews import reviews
from commonweal.protocol.ledger.governance import giving_rounds, proposal_records, witness_set
from commonweal.protocol.ledger.members import agents, enrolment, invites, member_keys, roles
from commonweal.protocol.ledger.plans import plans, recipes
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.ventures.campaigns import campaigns, pledges
from commonweal.protocol.ledger.ventures.projects import projects, tasks
from commonweal.protocol.records.record import Record


class Author(Enum):
    """The permitted authors of a kind of record."""

    ANYONE = auto()
    MEMBER = auto()
    """A device, not revoked, of a member who is active at the record's place."""


Act = Callable[[State, Record, Context], Verdict]
"""Applies a record to the state, or returns why it does not count; never raises.

After a reason, whatever it wrote is rolled back.
"""


class RecordKind(NamedTuple):
    """What records of a kind do, and who may write them."""

    act: Act
    author: Author = Author.MEMBER


KINDS: Mapping[str, RecordKind] = MappingProxyType(
    {
        "community.found": RecordKind(witness_set.found, Author.ANYONE),
        "community.inherit": RecordKind(inheritance.inherit),
        "device.enrol": RecordKind(enrolment.enrol, Author.ANYONE),
        "device.revoke": RecordKind(witness_set.revoke),
        "invite.create": RecordKind(invites.create_invite),
        "invite.revoke": RecordKind(invites.revoke_invite),
        "member.request": RecordKind(invites.request, Author.ANYONE),
        "member.vouch": RecordKind(invites.vouch),
        "member.leave": RecordKind(witness_set.leave),
        "member.rekey": RecordKind(witness_set.rekey),
        "member.sponsors": RecordKind(member_keys.sponsor),
        "member.profile": RecordKind(enrolment.profile),
        "role.claim": RecordKind(roles.claim),
        "role.endorse": RecordKind(roles.endorse),
        "role.resign": RecordKind(witness_set.resign),
        "unit.define": RecordKind(units_and_specs.define_unit),
        "spec.resource": RecordKind(units_and_specs.specify_resource),
        "spec.process": RecordKind(units_and_specs.specify_process),
        "process": RecordKind(plans.begin_process),
        "process.end": RecordKind(units_and_specs.end_process),
        "recipe.process": RecordKind(recipes.describe_process),
        "recipe": RecordKind(recipes.describe),
        "plan": RecordKind(plans.plan),
        "plan.end": RecordKind(plans.end),
        "intent": RecordKind(tasks.intend),
        "intent.pause": RecordKind(intents.pause),
        "intent.withdraw": RecordKind(intents.withdraw),
        "proposal.offer": RecordKind(offers.offer),
        "proposal.withdraw": RecordKind(offers.withdraw),
        "promotion": RecordKind(promotions.promote),
        "promotion.end": RecordKind(promotions.end),
        "commitment": RecordKind(commitments.commit),
        "agreement": RecordKind(agreements.agree),
        "agreement.sign": RecordKind(agreements.sign),
        "agreement.end": RecordKind(agreements.end),
        "agreement.comment": RecordKind(agreements.comment),
        "review": RecordKind(reviews.review),
        "review.open": RecordKind(reviews.open_review),
        "resource.terms": RecordKind(terms.set_terms),
        "resource.block": RecordKind(blocks.block),
        "project": RecordKind(projects.open_project),
        "project.join": RecordKind(projects.join),
        "project.leave": RecordKind(projects.leave),
        "consent.ask": RecordKind(consents.ask),
        "consent.grant": RecordKind(consents.grant),
        "consent.revoke": RecordKind(consents.revoke),
        "data.release": RecordKind(releases.release),
        "campaign": RecordKind(campaigns.begin),
        "campaign.cancel": RecordKind(campaigns.cancel),
        "pledge": RecordKind(pledges.pledge),
        "pledge.withdraw": RecordKind(pledges.withdraw),
        "event": RecordKind(conditions.event),
        "attest": RecordKind(attestation.attest),
        erasure.ERASE: RecordKind(erasure.erase),
        "dispute": RecordKind(attestation.dispute),
        "agent.claim": RecordKind(agents.claim),
        "agent.name": RecordKind(agents.name_agent),
        "referral": RecordKind(referrals.refer),
        "rules.propose": RecordKind(proposal_records.propose),
        "rules.comment": RecordKind(proposal_records.comment),
        "rules.vote": RecordKind(proposal_records.vote),
        "rules.withdraw": RecordKind(proposal_records.withdraw),
        "round.give": RecordKind(giving_rounds.give),
    }
)

RESERVED = ("fork.",)
"""Kinds that equal or start with these are reserved for a later meaning."""
