"""Rejections: the reasons why a record counts for nothing.

Each reason is a short sentence that members read, and the key of its translation. Nothing is
decided here.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a record counts for nothing. The value is the sentence shown, before translation."""

    NOT_HELD = "the record is not here"
    UNKNOWN_KIND = "this version does not know the kind of the record"
    RESERVED_KIND = "the kind of the record is reserved for later"
    LOG_FROZEN = "the log was frozen before this record, because its device forked it"
    DEVICE_REVOKED = "the device was revoked before this record"
    SHAPE = "the record does not have the form of its kind"
    NOT_ENROLLED = "the device was not enrolled"
    NOT_A_MEMBER = "the author was not a member at this place"
    NOT_CITED = "the record does not cite what it refers to"

    NOT_FOUNDING = "another record founded the community"
    NO_DOCUMENT = "the founding record has no founding document"
    NOT_SIGNED = "the member's keys did not sign this"
    NOT_BY_PEER = "the key of the device's node did not sign this enrolment"
    NOT_FIRST = "an enrolment is the first record of a log"
    UNKNOWN_MEMBER = "the member is not known at this place"
    WRONG_INCEPTION = "the inception document is not that of the member"
    TOO_MANY_DEVICES = "the member has reached the limit of devices"
    UNKNOWN_INVITE = "the invite is not known at this place"
    NOT_BY_INVITE = "the invite's key did not sign this request"
    INVITE_USED = "invite used"
    INVITE_REVOKED = "invite revoked"
    INVITE_ENDED = "invite ended, with the membership or the device of its author"
    INVITE_EXPIRED = "invite expired"
    GROWTH_REACHED = "the inviting member has reached the weekly limit of newcomers"
    NO_VOTE_YET = "the author is new here, and has no vote yet"
    NO_WORD_YET = "the author is new here, and cannot speak for or against others yet"
    NO_SEAT_YET = "the author is new here, and cannot hold a seat yet"
    NO_INVITE_YET = "the author is new here, and cannot bring others in yet"
    NOT_YOURS = "the author has no right to this"
    ALREADY_MEMBER = "already a member"
    ALREADY_REQUESTED = "this member already has an open request under this invite"
    UNKNOWN_REQUEST = "the request is not known at this place"
    ALREADY_VOUCHED = "this member vouched for the request already"
    UNKNOWN_DEVICE = "the device is not known at this place"
    ALREADY_REVOKED = "already revoked"

    NAME_TAKEN = "the name, or one that looks like it, is taken"
    UNKNOWN_UNIT = "the unit is not known at this place"
    UNKNOWN_FACTOR = "the rules have no such factor"
    UNKNOWN_SPEC = "the specification is not known at this place"
    UNKNOWN_PROCESS = "the process is not known at this place"
    PROCESS_ENDED = "the process has ended"
    UNKNOWN_RESOURCE = "the resource is not known at this place"
    UNKNOWN_EVENT = "the event is not known at this place"
    UNKNOWN_AGENT = "the provider or receiver is not known at this place"
    UNKNOWN_PLAN = "the intent, commitment or agreement is not known at this place"
    AGENT_CLAIMED = "another member claimed this agent"
    ALREADY_REFERRED = "the member already said who brought them here"
    CIRCLE = "a chain of referrals cannot lead back to the member who writes it"

    UNKNOWN_ACTION = "Valueflows has no such action"
    NO_QUANTITY = "the action needs a quantity of the resource"
    NO_EFFORT = "the action needs a quantity of effort"
    NOT_THIS_QUANTITY = "the action has no such quantity"
    NEGATIVE = "a quantity is not negative, except in a correction"
    WRONG_UNIT = "the unit is not that of the resource or its specification"
    WRONG_SPEC = "the resource is of another specification"
    TOO_LARGE = "the number is too large"
    NOT_ENOUGH = "there is not so much of the resource"
    NOT_TAKEN = (
        "more would be given back than was taken: modify gives back what accept took, dropoff what"
        " pickup took, both in the same process, and separate what combine took"
    )
    ONE_SIDE = "a transfer has a provider and a receiver"
    NO_OTHER_RESOURCE = "the action goes to a resource, which is not named"
    NO_NEW_RESOURCE = "the action begins no resource here"
    RETURN_NOT_NAMED = "a return of custody names the resource that it returns to"
    NOT_THIS_SIDE = "the action does not belong on this side of a process"
    NOT_THEIRS = "the resource is not the provider's or receiver's"
    WRONG_CORRECTION = "a correction has the action and unit of the event that it corrects"
    DOES_NOT_FIT = "the event does not fit the plan that it names"

    NOT_A_PAYMENT = "only a transfer settles a claim"
    UNKNOWN_CLAIM = "the claim is not known at this place"
    NOT_THE_CLAIMANT = "the claim is not the receiver's"
    SELF_PAID = "members cannot pay their own claims"
    OTHER_UNIT = "the unit is not that of the claim"
    TOO_FINE = "the amount is finer than the scale of the claim"
    OVER_SETTLED = (
        "the amount exceeds what is open of the claim: the rest is paid, or is reported as paid"
    )

    SELF_ATTESTED = "nobody attests what they wrote, gave or claim themselves"
    HOLDS_ALREADY = "everyone that the correction needed has agreed: it has taken effect"
    CORRECTED_SINCE = "the event was corrected since this was said"
    NOTHING_NEW = "this member said so already"
    UNKNOWN_ROLE = "the rules have no such role"
    NO_PATH = "the role requires another role, which the member does not hold"
    NOT_CLAIMED = "the member did not claim this role"
    SELF_ENDORSED = "members cannot endorse themselves"

    SEAT_NEEDED = (
        "the next seal needs this witness: hand the seat on first, and wait for the seal that"
        " says so"
    )
    LAST_WITNESS = "nobody else is seated and offers to witness: endorse another first"

    NO_TEXT = "the record has no text that can be erased"
    NO_BODY = "the document of the record is not here"
    ERASABLE_TEXT = "a text that members vote on must not be erasable"
    BAD_RULES = "the proposed rules are not sound"
    OTHER_BASE = "the rules that this would change are not in force"
    UNKNOWN_PROPOSAL = "the proposal is not known at this place"
    VOTE_CLOSED = "the vote is closed"
    NO_VOTE = "the author has no vote here: the electorate was frozen when the vote opened"
    NO_INDIFFERENT = "the rules of this vote let nobody be indifferent: abstain instead"
    TOO_MANY_PROPOSALS = "the member has reached the limit of open proposals"
    NOT_ADMITTED = "a condition of the rules is not met"
    RULE_FAILED = "a condition of the rules ended in an error"
    NO_FORK = "no evidence ends the log at this place"
    UNKNOWN_BASIS = "the record names a last seal that is not one of this community"
