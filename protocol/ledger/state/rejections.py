"""Rejections: the reasons why a record counts for nothing.

Each reason is a short sentence that members read, and the key of its translation. The state has the
name of the reason, which never changes. Nothing is decided here. State: 9v sealed records that
count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from commonweal.protocol.errors import WrongState
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

REFUSED = Table.REFUSED.prefix


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
    UNKNOWN_MEMBER = "the member is not known here"
    WRONG_INCEPTION = "the inception document is not that of the member"
    TOO_MANY_DEVICES = "the member has reached the limit of devices"
    UNKNOWN_INVITE = "the invite is not known here"
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
    UNKNOWN_REQUEST = "the request is not known here"
    ALREADY_VOUCHED = "this member vouched for the request already"
    UNKNOWN_DEVICE = "the device is not known here"
    ALREADY_REVOKED = "already revoked"

    NAME_TAKEN = "the name, or one that looks like it, is taken"
    UNKNOWN_UNIT = "the unit is not known here"
    UNKNOWN_FACTOR = "the rules have no such factor"
    UNKNOWN_SPEC = "the specification is not known here"
    UNKNOWN_PROCESS = "the process is not known here"
    PROCESS_ENDED = "the process has ended"
    UNKNOWN_RESOURCE = "the resource is not known here"
    UNKNOWN_EVENT = "the event is not known here"
    UNKNOWN_AGENT = "the provider or receiver is not known here"
    UNKNOWN_PLAN = "the intent, commitment or agreement is not known here"
    UNKNOWN_RECIPE = "the recipe, or a step of it, is not known here"
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
    DOES_NOT_FIT = "this does not fit the intent or the commitment that it names"
    STEP_ORDER = "a step of the recipe takes what only a later step makes"
    NOT_MADE = "no step of the recipe makes what the recipe is for"
    PLAN_ENDED = "the plan has ended"
    PLAN_FULL = "the plan has reached the limit of its processes and intents"

    SAME_SIDE = "nobody promises something to themselves"
    UNDER_MINIMUM = "this is less than the least that is offered"
    INTENT_TAKEN = "less is left of it than this takes"
    NOT_OPEN = "it is not open any more: it was withdrawn, declined or replaced, or has ended"
    NOT_AGREED = "not everybody concerned has said yes"
    ALREADY_AGREED = "everybody has said yes already: only all together end it"
    TOO_LATE = "the time to say yes is over"
    PARTY_LEFT = "somebody concerned is no member any more"
    NO_YES = "there is no yes to take back"
    TOO_MANY_INTENTS = "the member has reached the limit of offers and needs: withdraw old ones"
    TOO_MANY_AGREEMENTS = "the member has reached the limit of agreements that wait for an answer"
    TOO_MANY_COMMENTS = "the agreement has reached the limit of comments"

    NO_PROMOTION = "the rules let nobody promote offers for a commission"
    NOTHING_SOLD = "only what is offered is promoted, not what is needed"
    RATE_TOO_HIGH = "the rate is above the highest that the rules allow for a promotion"
    WINDOW_TOO_LONG = "the promotion would count income for longer than the rules allow"
    UNKNOWN_PROMOTION = "the promotion is not known here"
    NO_PROMOTER = "the member who is named does not hold the role that may promote this"
    SELF_REFERRED = "nobody brings themselves or the seller to an offer, or is brought to their own"
    REFERRED_BEFORE = "an earlier referral of this buyer to the offer counts: the first one stands"
    TOO_MANY_REFERRALS = "the buyer has as many referrals as count at the same time"
    NOT_DONE = "the deal is not done: not all of it is kept, and not all parties ended it as done"
    NO_PARTY = "the review names nobody else of this deal; where there are several, it names one"
    SELF_REVIEW = "members cannot review themselves"
    REVIEWED_ALREADY = "this member has reviewed this party of the deal"
    REVIEW_CLOSED = "the time to review this deal is over"
    UNKNOWN_REVIEW = "the review is not known here"
    STILL_BLIND = "a review is opened once a seal covers both, or the time to review is over"
    WRONG_OPENING = "this is not what was sealed as the review"
    REVIEW_WITHHELD = "the review was not opened in time, and stays withheld"

    NOT_A_PAYMENT = "only a transfer settles a claim"
    UNKNOWN_CLAIM = "the claim is not known here"
    NOT_THE_CLAIMANT = "the claim is not the receiver's"
    SELF_PAID = "members cannot pay their own claims"
    OTHER_UNIT = "the unit is not that of the claim"
    TOO_FINE = "the amount is finer than the scale of the claim"
    OVER_SETTLED = (
        "the amount exceeds what is open of the claim: the rest is paid, or is reported as paid"
    )

    NOT_THE_PAYER = "only the member who pays writes a payment from their balance"
    PAID_TO_SELF = "members cannot pay themselves"
    BELOW_FLOOR = "the payer's balance would go below the lowest that the rules allow"
    ABOVE_CEILING = "the payee's balance would go above the highest that the rules allow"
    TOO_MANY_DECIMALS = "the amount has more decimals than the rules allow in this unit"
    NOT_OWED = "more would be set off than is owed"
    UNBALANCED = "a set-off leaves what each owes, less what they are owed, as it was"
    CREDIT_SETTLES = "a balance with other members pays no claim on the community"
    NO_CREDIT = "the rules have no balances in this unit any more"

    NOT_THE_LENDER = "the booking is not with who has the thing now"
    TERMS_REPLACED = "the terms of the thing were replaced since: read them, and write again"
    TOO_SHORT = "the booking is shorter than the terms of the thing allow"
    TOO_LONG = "the booking is longer than the terms of the thing allow"
    TOO_FAR_AHEAD = "the booking begins further ahead than the terms of the thing allow"
    IN_THE_PAST = "the booking begins before the last seal"
    TOO_MANY_AT_ONCE = "the booking asks for more at once than the terms of the thing lend"
    QUOTA = "the member would have booked the thing on more days than its terms allow"
    DAY_FULL = "the thing has as many bookings on one of these days as are kept"
    UNKNOWN_BLOCK = "the block is not one of the thing, or is over"
    TOO_MANY_BLOCKS = "the thing has as many blocks as are kept: lift one first"

    NOT_DATA = "the resource is no data: what began it named no content"
    DATA_ERASED = "the owner of the data erased its content"
    OWN_DATA = "the data is the member's own: no consent is needed"
    NO_NOTICE = "a consent, and a request for one, has a notice that is kept for ever"
    UNKNOWN_PURPOSE = "the rules have no such purpose"
    CONSENT_TOO_LONG = "the consent lasts longer than the rules allow"
    NO_POOL = "the rules share no such pool with those whose data is used"
    TOO_MANY_CONSENTS = (
        "the data has as many consents or requests as are kept: end one of them first"
    )
    UNKNOWN_CONSENT = "the consent is not known here"
    NO_CONSENT = "the data is another's: it is used by a consent that is named, and never copied"
    CONSENT_ENDED = "the consent is not in force any more"
    CONSENT_NOT_NOW = "the consent does not cover this time"
    OTHER_PURPOSE = "the consent is for another purpose or another action"
    NOT_A_RECIPIENT = "the consent is not given to who uses the data"
    UNKNOWN_USE = "the use of the data is not known here, or does not count"
    NOT_SEALED = "content of data is handed over in a sealed body, and in no other"
    WRONG_PARTS = "the content of the data is handed over in another number of parts"
    RELEASED_BEFORE = "this part was handed over for this use before"
    USE_STANDS = "a use of data is not corrected: what was read cannot be unread"

    SELF_ATTESTED = "nobody attests what they wrote, gave or claim themselves"
    HOLDS_ALREADY = "everyone that the correction needed has agreed: it has taken effect"
    CORRECTED_SINCE = "the event was corrected since this was said"
    NOTHING_NEW = "this member said so already"
    UNKNOWN_ROLE = "the rules have no such role"
    NO_PATH = "the role requires another role, which the member does not hold"
    NOT_CLAIMED = "the member did not claim this role"
    SELF_ENDORSED = "members cannot endorse themselves"

    ROUND_CLOSED = "no such round is open: it was counted, or is not open yet"
    NO_GIVER = "in this round only the holders of a role give points"
    NO_RECEIVER = "the points are for somebody who does not take part in the round"
    SELF_GIVEN = "members cannot give points to themselves"
    OVER_GIVEN = "these are more points than a member has in this round"
    TOO_MUCH_FOR_ONE = "these are more points than the round lets a member give to one other"

    UNKNOWN_PROJECT = "the project is not known here"
    PROJECT_CLOSED = "the project has closed"
    NOT_IN_PROJECT = "the member is not in the project"
    NOT_AN_OPENER = "by the rules only the holders of a role open projects"
    TOO_MANY_PROJECTS = "the member has as many projects open as the rules allow: close one first"
    ENDS_IN_THE_PAST = "the project would end before the last seal: choose a later end"

    SEAT_NEEDED = (
        "the next seal needs this witness: hand the seat on first, and wait for the seal that"
        " says so"
    )
    LAST_WITNESS = "nobody else is seated and offers to witness: endorse another first"

    UNKNOWN_CAMPAIGN = "the campaign is not known here"
    CAMPAIGN_CLOSED = "it came too late: the campaign was closed before this"
    HAS_PLEDGES = "something is pledged to the campaign: only a vote cancels it"
    TOO_MANY_CAMPAIGNS = "the member has reached the limit of campaigns that are open or collect"
    GOALS = "the sums of the campaign do not fit each other: minimum, optimum and maximum rise"
    DEADLINE_PAST = "the deadline is over, or the time to pay ends before it"
    DEADLINE_FAR = "the deadline, or the end of the time to pay, is later than the rules allow"
    NO_MATCHING = "the campaign matches no pledges"
    PLEDGE_UNIT = "the amount is not in the unit of the campaign, or has more decimals"
    PLEDGE_SMALL = "the amount is less than the least that the campaign takes"
    PLEDGE_LARGE = "the amount is more than the most that the campaign takes of one member"
    NO_PLEDGE = "the member has no pledge to withdraw"

    NO_TEXT = "the record has no text that can be erased"
    NO_BODY = "the document of the record is not here"
    ERASABLE_TEXT = "a text that members vote on must not be erasable"
    BAD_RULES = "the proposed rules are not sound"
    OTHER_BASE = "the rules that this would change are not in force"
    UNKNOWN_PROPOSAL = "the proposal is not known here"
    VOTE_CLOSED = "the vote is closed"
    NO_VOTE = "the author has no vote here: the electorate was frozen when the vote opened"
    NO_INDIFFERENT = "the rules of this vote let nobody be indifferent: abstain instead"
    TOO_MANY_PROPOSALS = "the member has reached the limit of open proposals"
    NOT_ADMITTED = "a condition of the rules is not met"
    RULE_FAILED = "a condition of the rules ended in an error"
    NO_FORK = "no evidence ends the log at this place"
    UNKNOWN_BASIS = "the record names a last seal that is not one of this community"


def put_refused(state: State, record: bytes, reason: Reason) -> None:
    """Note that a record that a cut covers counts for nothing."""
    state.put(REFUSED + record, reason.name)


def refused(pairs: Iterable[tuple[bytes, Any]]) -> Iterator[tuple[bytes, Reason]]:
    """Yield the records that rows of a state refuse, and why. Raises `WrongState`."""
    for key, name in pairs:
        if key.startswith(REFUSED) and name is not None:
            if name not in Reason.__members__:
                raise WrongState(f"the state refuses a record for {name!r}, which is no reason")
            yield key[len(REFUSED) :], Reason[name]
