"""Votes in words: what a vote is about, how it stands, and what it asks of voters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client.language.plain import fields_of
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import N_, Words
from commonweal.protocol.ledger.governance import proposals

if TYPE_CHECKING:
    from commonweal.client.governance.votes import ElectorateState
    from commonweal.protocol.rules.portions import Portion
    from commonweal.protocol.rules.process import Ballot, Process

KINDS = {
    "ordinary": N_("ordinary"),
    "constitution": N_("constitution"),
    "membership": N_("membership"),
    "lazy": N_("lazy consensus"),
}
"""The classes of change."""
SUBJECTS = {
    "rules": N_("rules"),
    "removal": N_("removal"),
    "fork": N_("fork"),
    "decision": N_("decision"),
    "project": N_("end of a project"),
    "consent": N_("consent"),
    "campaign": N_("campaign"),
}
STATES = (
    *(N_("draft"), N_("open for votes"), N_("trial"), N_("passed"), N_("failed"), N_("expired")),
    *(N_("withdrawn"), N_("stale")),
    *(N_("in force"), N_("superseded"), N_("sunset")),
)
"""How proposals stand, where people read it."""
SAYINGS = (N_("yes"), N_("no"), N_("abstain"), N_("block"), N_("indifferent"))
IN_CHINESE = {
    "赞成": "yes",
    "反对": "no",
    "弃权": "abstain",
    "阻止": "block",
    "无所谓": "indifferent",
}
"""What members say of a proposal, in Chinese; elsewhere the same English words say other things."""
HOUR_MS = 3_600_000


def said(saying: str, words: Words) -> str:
    """Return what a member says of a proposal."""
    in_chinese = {word: chinese for chinese, word in IN_CHINESE.items()}
    return in_chinese[saying] if words.is_chinese else words(saying)


def status_words(status: str, words: Words) -> str:
    """Return how a proposal stands."""
    return words("open for votes") if status == proposals.VOTING else words(status)


def electorate_words(ballot: ElectorateState, words: Words) -> str:
    """Return what one electorate said, and what it is asked."""
    said = words("{yes} yes, {no} no, {abstain} abstain, {block} block").format(**fields_of(ballot))
    if ballot.indifferent:
        said += ", " + words("{n} indifferent").format(n=ballot.indifferent)
    whose = words("all as {role}").format(role=visible(ballot.role or "")) if ballot.role else ""
    text = words("{one}; {other}").format(one=said, other=", ".join(needs_of(ballot, words)))
    return words("{what}: {value}").format(what=whose, value=text) if whose else text


def needs_of(ballot: ElectorateState, words: Words) -> list[str]:
    """Return what one electorate is asked, a part of a sentence for each condition."""
    deciding = ballot.electorate - ballot.indifferent
    asked = [
        words("{needed} of {electorate} must say yes").format(
            needed=ballot.needed, electorate=deciding
        )
    ]
    if not ballot.needed:
        asked = [words("silence of {electorate} is consent").format(**fields_of(ballot))]
    if ballot.quorum:
        asked.append(words("{quorum} must vote").format(**fields_of(ballot)))
    if ballot.blocks:
        asked.append(words("{blocks} block stop it").format(**fields_of(ballot)))
    if ballot.objections:
        asked.append(words("{objections} no or block stop it").format(**fields_of(ballot)))
    if ballot.early_failure:
        asked.append(words("it fails as soon as it can no longer pass"))
    return asked


def process_words(classes: tuple[str, ...], process: Process, words: Words) -> str:
    """Return how a change of these classes is decided."""
    text = words("decided as {kind}: {asked}, within {hours} h").format(
        kind=", ".join(words(KINDS[name]) for name in classes),
        asked=" + ".join(ballot_words(ballot, words) for ballot in process.ballots),
        hours=process.period_ms // HOUR_MS,
    )
    if process.early_failure:
        text += ", " + words("it fails as soon as it can no longer pass")
    if process.trial_ms:
        text += ", " + words("then {hours} h of trial").format(hours=process.trial_ms // HOUR_MS)
    return text


def ballot_words(ballot: Ballot, words: Words) -> str:
    """Return what rules ask of one electorate."""
    thresholds = ", ".join(dict.fromkeys(map(_part, ballot.thresholds)))
    text = words("{thresholds} yes of those who may vote").format(thresholds=thresholds)
    if ballot.indifferent:
        text = words("{thresholds} yes of those who may vote and are not indifferent").format(
            thresholds=thresholds
        )
    if ballot.min_yes:
        text += ", " + words("at least {n} yes").format(n=ballot.min_yes)
    if ballot.silent:
        text = words("silence of those who may vote")
    if ballot.voters:
        text += " " + words("(all as {role})").format(role=visible(ballot.voters))
    if ballot.objections:
        text += ", " + words("{n} no or block stop it").format(n=ballot.objections)
    return text


def _part(portion: Portion) -> str:
    return f"{'>' if portion.more else ''}{portion.above}/{portion.below}"
