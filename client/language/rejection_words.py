"""Why a record counts for nothing, in the member's language."""

from __future__ import annotations

from commonweal.client.language.times import shown
from commonweal.client.language.words import N_, Words
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State

REASONS = (
    N_("the record is not here"),
    N_("this version does not know the kind of the record"),
    N_("the kind of the record is reserved for later"),
    N_("the log was frozen before this record, because its device forked it"),
    N_("the device was revoked before this record"),
    N_("the record does not have the form of its kind"),
    N_("the device was not enrolled"),
    N_("the author was not a member at this place"),
    N_("the record does not cite what it refers to"),
    N_("another record founded the community"),
    N_("the founding record has no founding document"),
    N_("the member's keys did not sign this"),
    N_("the key of the device's node did not sign this enrolment"),
    N_("an enrolment is the first record of a log"),
    N_("the member is not known here"),
    N_("the inception document is not that of the member"),
    N_("the member has reached the limit of devices"),
    N_("the invite is not known here"),
    N_("the invite's key did not sign this request"),
    N_("invite used"),
    N_("invite revoked"),
    N_("invite ended, with the membership or the device of its author"),
    N_("invite expired"),
    N_("the inviting member has reached the weekly limit of newcomers"),
    N_("the author is new here, and has no vote yet"),
    N_("the author is new here, and cannot speak for or against others yet"),
    N_("the author is new here, and cannot hold a seat yet"),
    N_("the author is new here, and cannot bring others in yet"),
    N_("the author has no right to this"),
    N_("already a member"),
    N_("this member already has an open request under this invite"),
    N_("the request is not known here"),
    N_("this member vouched for the request already"),
    N_("the device is not known here"),
    N_("already revoked"),
    N_("the name, or one that looks like it, is taken"),
    N_("the unit is not known here"),
    N_("the rules have no such factor"),
    N_("the specification is not known here"),
    N_("the process is not known here"),
    N_("the process has ended"),
    N_("the resource is not known here"),
    N_("the event is not known here"),
    N_("the provider or receiver is not known here"),
    N_("the intent, commitment or agreement is not known here"),
    N_("another member claimed this agent"),
    N_("the member already said who brought them here"),
    N_("a chain of referrals cannot lead back to the member who writes it"),
    N_("Valueflows has no such action"),
    N_("the action needs a quantity of the resource"),
    N_("the action needs a quantity of effort"),
    N_("the action has no such quantity"),
    N_("a quantity is not negative, except in a correction"),
    N_("the unit is not that of the resource or its specification"),
    N_("the resource is of another specification"),
    N_("the number is too large"),
    N_("there is not so much of the resource"),
    N_(
        "more would be given back than was taken: modify gives back what accept took, dropoff what"
        " pickup took, both in the same process, and separate what combine took"
    ),
    N_("a transfer has a provider and a receiver"),
    N_("the action goes to a resource, which is not named"),
    N_("the action begins no resource here"),
    N_("a return of custody names the resource that it returns to"),
    N_("the action does not belong on this side of a process"),
    N_("the resource is not the provider's or receiver's"),
    N_("a correction has the action and unit of the event that it corrects"),
    N_("this does not fit the intent or the commitment that it names"),
    N_("nobody promises something to themselves"),
    N_("this is less than the least that is offered"),
    N_("less is left of it than this takes"),
    N_("it is not open any more: it was withdrawn, declined or replaced, or has ended"),
    N_("not everybody concerned has said yes"),
    N_("everybody has said yes already: only all together end it"),
    N_("the time to say yes is over"),
    N_("somebody concerned is no member any more"),
    N_("there is no yes to take back"),
    N_("the member has reached the limit of offers and needs: withdraw old ones"),
    N_("the member has reached the limit of agreements that wait for an answer"),
    N_("the agreement has reached the limit of comments"),
    N_("the deal is not done: not all of it is kept, and not all parties ended it as done"),
    N_("the review names nobody else of this deal; where there are several, it names one"),
    N_("members cannot review themselves"),
    N_("this member has reviewed this party of the deal"),
    N_("the time to review this deal is over"),
    N_("the review is not known here"),
    N_("a review is opened once a seal covers both, or the time to review is over"),
    N_("this is not what was sealed as the review"),
    N_("the review was not opened in time, and stays withheld"),
    N_("the recipe, or a step of it, is not known here"),
    N_("a step of the recipe takes what only a later step makes"),
    N_("no step of the recipe makes what the recipe is for"),
    N_("the plan has ended"),
    N_("the plan has reached the limit of its processes and intents"),
    N_("the rules let nobody promote offers for a commission"),
    N_("only what is offered is promoted, not what is needed"),
    N_("the rate is above the highest that the rules allow for a promotion"),
    N_("the promotion would count income for longer than the rules allow"),
    N_("the promotion is not known here"),
    N_("the member who is named does not hold the role that may promote this"),
    N_("nobody brings themselves or the seller to an offer, or is brought to their own"),
    N_("an earlier referral of this buyer to the offer counts: the first one stands"),
    N_("the buyer has as many referrals as count at the same time"),
    N_("only a transfer settles a claim"),
    N_("the claim is not known here"),
    N_("the claim is not the receiver's"),
    N_("members cannot pay their own claims"),
    N_("the unit is not that of the claim"),
    N_("the amount is finer than the scale of the claim"),
    N_("the amount exceeds what is open of the claim: the rest is paid, or is reported as paid"),
    N_("only the member who pays writes a payment from their balance"),
    N_("members cannot pay themselves"),
    N_("the payer's balance would go below the lowest that the rules allow"),
    N_("the payee's balance would go above the highest that the rules allow"),
    N_("the amount has more decimals than the rules allow in this unit"),
    N_("more would be set off than is owed"),
    N_("a set-off leaves what each owes, less what they are owed, as it was"),
    N_("a balance with other members pays no claim on the community"),
    N_("the rules have no balances in this unit any more"),
    N_("the booking is not with who has the thing now"),
    N_("the terms of the thing were replaced since: read them, and write again"),
    N_("the booking is shorter than the terms of the thing allow"),
    N_("the booking is longer than the terms of the thing allow"),
    N_("the booking begins further ahead than the terms of the thing allow"),
    N_("the booking begins before the last seal"),
    N_("the booking asks for more at once than the terms of the thing lend"),
    N_("the member would have booked the thing on more days than its terms allow"),
    N_("the thing has as many bookings on one of these days as are kept"),
    N_("the block is not one of the thing, or is over"),
    N_("the thing has as many blocks as are kept: lift one first"),
    N_("the resource is no data: what began it named no content"),
    N_("the owner of the data erased its content"),
    N_("the data is the member's own: no consent is needed"),
    N_("a consent, and a request for one, has a notice that is kept for ever"),
    N_("the rules have no such purpose"),
    N_("the consent lasts longer than the rules allow"),
    N_("the rules share no such pool with those whose data is used"),
    N_("the data has as many consents or requests as are kept: end one of them first"),
    N_("the consent is not known here"),
    N_("the data is another's: it is used by a consent that is named, and never copied"),
    N_("the consent is not in force any more"),
    N_("the consent does not cover this time"),
    N_("the consent is for another purpose or another action"),
    N_("the consent is not given to who uses the data"),
    N_("the use of the data is not known here, or does not count"),
    N_("content of data is handed over in a sealed body, and in no other"),
    N_("the content of the data is handed over in another number of parts"),
    N_("this part was handed over for this use before"),
    N_("a use of data is not corrected: what was read cannot be unread"),
    N_("nobody attests what they wrote, gave or claim themselves"),
    N_("everyone that the correction needed has agreed: it has taken effect"),
    N_("the event was corrected since this was said"),
    N_("this member said so already"),
    N_("the rules have no such role"),
    N_("the role requires another role, which the member does not hold"),
    N_("the member did not claim this role"),
    N_("members cannot endorse themselves"),
    N_("no such round is open: it was counted, or is not open yet"),
    N_("in this round only the holders of a role give points"),
    N_("the points are for somebody who does not take part in the round"),
    N_("members cannot give points to themselves"),
    N_("these are more points than a member has in this round"),
    N_("these are more points than the round lets a member give to one other"),
    N_("the project is not known here"),
    N_("the project has closed"),
    N_("the member is not in the project"),
    N_("by the rules only the holders of a role open projects"),
    N_("the member has as many projects open as the rules allow: close one first"),
    N_("the project would end before the last seal: choose a later end"),
    N_(
        "the next seal needs this witness: hand the seat on first, and wait for the seal that"
        " says so"
    ),
    N_("nobody else is seated and offers to witness: endorse another first"),
    N_("the campaign is not known here"),
    N_("it came too late: the campaign was closed before this"),
    N_("something is pledged to the campaign: only a vote cancels it"),
    N_("the member has reached the limit of campaigns that are open or collect"),
    N_("the sums of the campaign do not fit each other: minimum, optimum and maximum rise"),
    N_("the deadline is over, or the time to pay ends before it"),
    N_("the deadline, or the end of the time to pay, is later than the rules allow"),
    N_("the campaign matches no pledges"),
    N_("the amount is not in the unit of the campaign, or has more decimals"),
    N_("the amount is less than the least that the campaign takes"),
    N_("the amount is more than the most that the campaign takes of one member"),
    N_("the member has no pledge to withdraw"),
    N_("the record has no text that can be erased"),
    N_("the document of the record is not here"),
    N_("a text that members vote on must not be erasable"),
    N_("the proposed rules are not sound"),
    N_("the rules that this would change are not in force"),
    N_("the proposal is not known here"),
    N_("the vote is closed"),
    N_("the author has no vote here: the electorate was frozen when the vote opened"),
    N_("the rules of this vote let nobody be indifferent: abstain instead"),
    N_("the member has reached the limit of open proposals"),
    N_("a condition of the rules is not met"),
    N_("a condition of the rules ended in an error"),
    N_("no evidence ends the log at this place"),
    N_("the record names a last seal that is not one of this community"),
)
"""Every reason there is; their sentences are in the catalogues by this."""


ADVICE = {
    Reason.SEAT_NEEDED: N_(
        "Let another member take a seat (weal role claim witness, weal role endorse) and give"
        " yours back (weal role resign witness); after the next seal nothing hinders you. If a"
        " device that has the seat is gone for good, only a new community helps: weal refound."
    ),
    Reason.LAST_WITNESS: N_(
        "Let another member take a seat first: weal role claim witness, weal role endorse."
    ),
    Reason.UNKNOWN_UNIT: N_("A new one is added by: weal unit new NAME."),
    Reason.ONE_SIDE: N_("Say who got it: --receiver MEMBER, or --receiver community."),
    Reason.NOT_THIS_QUANTITY: N_(
        "Work is counted in time; only `use` takes an effort beside a quantity."
    ),
}
"""What to do first, where that is known."""


def refusal(reason: Reason, words: Words, detail: str = "") -> str:
    """Return why something is not written, and what to do first. detail: follows the reason."""
    advice = ADVICE.get(reason)
    said = words(reason.value) + detail
    if advice is None:
        return said
    stop = "。" if words.language == "zh" else ". "
    return f"{said}{stop}{words(advice)}"


def from_when(state: State, reason: Reason, member: bytes | None, words: Words) -> str:
    """Return from when on a member has the power that a reason says is still missing."""
    from commonweal.protocol.ledger.members.permissions import Permission

    row = None if member is None else registry.member_row(state, member)
    if row is None or reason not in [power.value for power in Permission]:
        return ""
    return words("; from {time} on").format(time=shown(row.powers_ms))
