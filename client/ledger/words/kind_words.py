"""What each kind of record says, in a few words of a member."""

from __future__ import annotations

from commonweal.client.language.words import N_, Words

KINDS = {
    "community.found": N_("founds the community"),
    "community.inherit": N_("takes over what a former community had"),
    "device.enrol": N_("lets a device write for a member"),
    "device.revoke": N_("ends that a device writes for a member"),
    "invite.create": N_("makes an invite"),
    "invite.revoke": N_("takes an invite back"),
    "member.request": N_("asks to join"),
    "member.vouch": N_("vouches for a newcomer"),
    "member.leave": N_("leaves the community"),
    "member.rekey": N_("changes a member's keys"),
    "member.sponsors": N_("names sponsors, who can give a key back"),
    "member.profile": N_("says a member's name"),
    "role.claim": N_("claims a role"),
    "role.endorse": N_("endorses a claim to a role"),
    "role.resign": N_("gives a role back"),
    "unit.define": N_("adds a unit"),
    "spec.resource": N_("describes a kind of thing"),
    "spec.process": N_("describes a kind of process"),
    "process": N_("begins a process"),
    "process.end": N_("ends a process"),
    "recipe.process": N_("describes a step of a recipe"),
    "recipe": N_("describes a recipe"),
    "plan": N_("begins a plan"),
    "plan.end": N_("ends a plan"),
    "intent": N_("says what is wanted"),
    "intent.pause": N_("pauses an offer or a need, or opens it again"),
    "intent.withdraw": N_("withdraws an offer or a need"),
    "proposal.offer": N_("makes an offer"),
    "proposal.withdraw": N_("withdraws what was published together"),
    "promotion": N_("promises a commission to those who bring buyers"),
    "promotion.end": N_("ends a promotion"),
    "commitment": N_("promises something"),
    "agreement": N_("proposes an agreement"),
    "agreement.sign": N_("answers an agreement"),
    "agreement.end": N_("wants an agreement to end"),
    "agreement.comment": N_("comments on an agreement"),
    "resource.terms": N_("says on which terms a thing is lent"),
    "resource.block": N_("says when a thing is out of use"),
    "consent.ask": N_("asks for a consent to use data"),
    "consent.grant": N_("consents that data is used"),
    "consent.revoke": N_("ends a consent, or refuses a request"),
    "event": N_("says what was given"),
    "attest": N_("says whether something was so"),
    "body.erase": N_("has a text forgotten by all"),
    "dispute": N_("disputes a contribution, or ends that"),
    "agent.claim": N_("claims to be somebody outside"),
    "agent.name": N_("names somebody outside"),
    "referral": N_("says who brought a member or a buyer"),
    "rules.propose": N_("proposes something to be voted on"),
    "rules.comment": N_("comments on a proposal"),
    "rules.vote": N_("votes on a proposal"),
    "rules.withdraw": N_("withdraws a proposal"),
    "round.give": N_("gives points in a round"),
}


def kind_words(kind: str, words: Words) -> str:
    """Return what a record of a kind says; the kind itself where no words are known."""
    return words(KINDS[kind]) if kind in KINDS else kind
