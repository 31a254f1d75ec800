"""Errors of the caller: a question or a command that cannot be answered as it is, or not yet."""

from __future__ import annotations

from commonweal.protocol.errors.base import CommonwealError


class UsageError(CommonwealError):
    """The command cannot be done as it was typed; its --help says how."""

    exit_code = 2


class UnreadableWords(CommonwealError):
    """These are not a member's 24 words; compare each with what you wrote down."""

    exit_code = 65


class WrongWordCount(UnreadableWords):
    """A member has 24 words, in English or in Chinese; see whether one is missing or twice."""


class UnknownWord(UnreadableWords):
    """One of the words is not in the list; compare it with what you wrote down."""


class WordsDoNotFit(UnreadableWords):
    """The words do not fit together: one was mistaken for another, or two changed places."""


class WrongPassphrase(CommonwealError):
    """The passphrase does not open the keystore; try again, the keystore is unchanged."""

    exit_code = 77


class PassphraseNeeded(CommonwealError):
    """The keystore is protected by a passphrase; give it at the prompt or by --passphrase-file."""

    exit_code = 77


class UnusablePassphrase(UsageError):
    """This cannot be a passphrase; choose another, or say --no-passphrase."""


class KeyTaken(UsageError):
    """Another request was made under this key before; take a new key for each request."""

    exit_code = 65


class BadLink(UsageError):
    """This link cannot be read; copy it again, whole, from whoever sent it."""

    exit_code = 65


class UnreadableQuantity(UsageError):
    """The quantity cannot be read; write it like 3 or 2.5, with a point and no other mark."""


class AmbiguousUnit(UsageError):
    """The unit can be read in more than one way; write it in full."""


class AmbiguousSheet(UsageError):
    """The sheet can be read in more than one way, and what it would come to depends on it."""

    exit_code = 65

    def __init__(
        self, text: str = "", option: str = "", readings: dict[str, str] | None = None
    ) -> None:
        """option: what is to be chosen. readings: what a cell says, by each choice."""
        super().__init__(text)
        self.option, self.readings = option, readings or {}


class UnreadableTime(UsageError):
    """The time cannot be read; write it like 2026-11-23, 2026-11-23 18:30, friday or 7d."""


class WrongPeriod(UsageError):
    """A period goes from a height to the same or a later one; `weal status` says the last."""


class DoubtfulHour(UsageError):
    """The clocks change in that night, and the hour can be read in two ways; write one of these:"""

    def __init__(self, choices: tuple[str, ...] = ()) -> None:
        """choices: what can be typed instead."""
        super().__init__(" · ".join(choices))
        self.choices = choices


class MissingHour(DoubtfulHour):
    """The clocks go forward in that night, and this hour does not exist; write one of these:"""


class RepeatedHour(DoubtfulHour):
    """The clocks go back in that night, and this hour comes twice; write which one you mean:"""


class NoEnd(UsageError):
    """It needs an end: write it like sat 9:00-17:00, or sat 9:00 for 2 hours."""


class EndBeforeBegin(UsageError):
    """It ends before it begins; to end on a later day, write it like sat 22:00 - sun 2:00."""


class EndlessRepeat(UsageError):
    """Write how often: every tue 18:00-20:00 until 31.3., or every tue 18:00-20:00, 10 times."""


class TooManyTimes(UsageError):
    """It would be repeated too often; name an earlier end. The most at once:"""


class UnfitOffer(UsageError):
    """It cannot be published so."""


class UnfitPromotion(UsageError):
    """It cannot be promoted so."""


class UnfitDay(UnfitOffer):
    """The day does not fit."""


class OfferStands(UsageError):
    """This offer or need cannot be changed so."""


class FutureTime(UsageError):
    """It is not that date anywhere yet; a contribution has the date when it was given."""


class UnknownAction(UsageError):
    """There is no such action; `weal record --help` lists them."""


class UnusableText(UsageError):
    """A text given to the command is empty, too long or not text; change it."""

    exit_code = 65


class EvidenceTooLarge(UsageError):
    """The file is too large to travel with the record; put in a smaller one, or its address."""

    exit_code = 65


class UnknownId(UsageError):
    """Nothing here has this name or id; see `weal ledger`, `weal members` or `weal device list`."""

    exit_code = 65


class VoidCampaign(UnknownId):
    """This campaign counts for nothing, so nobody can pledge to it; begin another."""


class UnknownNode(UsageError):
    """There is no node of this name in the cluster; `weal cluster status` lists them."""


class AmbiguousId(UsageError):
    """More than one here begins like this; give more of its id."""

    exit_code = 65


class UnreadableFile(UsageError):
    """The file cannot be used as it is, and nothing of it was taken in; correct what is named."""

    exit_code = 65


class BadRecipe(UsageError):
    """The recipe cannot be used as it is, and nothing of it was added; correct what is named."""

    exit_code = 65


class BadQuestion(UsageError):
    """Only one SELECT over the views is answered; docs/sql.md lists them and their columns."""

    exit_code = 65


class QuestionTooLong(UsageError):
    """The question takes too long or too much; ask for less, or for sums in place of rows."""

    exit_code = 65


class UnreadableRepository(UsageError):
    """This git repository cannot be read; name the folder of one that is whole, on this machine."""

    exit_code = 65


class NothingFinal(UsageError):
    """Nothing is final in this community, so there is nothing to go on from; found another."""

    exit_code = 65


class OlderSeal(UsageError):
    """The last seal is of an older version: let the witnesses seal once more, or use that one."""

    exit_code = 65


class BadBackup(UsageError):
    """This is not a backup of Commonweal, or not all of it; nothing was restored from it."""

    exit_code = 65


class UnknownTag(UsageError):
    """No offer and no need has this tag; `weal market` lists them with theirs."""


class UnknownTemplate(UnreadableFile):
    """There are no such rules; name one of the templates, none, or a file."""


class LightHome(UsageError):
    """This light home does not keep all the records that this needs; do it in a full home."""

    exit_code = 78


class WitnessKeepsAll(UsageError):
    """A witness keeps the whole ledger, and a light home does not: it is one or the other."""

    exit_code = 78


class NotPermitted(CommonwealError):
    """The rules of the community do not allow this to you now."""

    exit_code = 77


class WouldNotCount(NotPermitted):
    """This would count for nothing in the ledger, so it was not written."""


class NotWithdrawn(NotPermitted):
    """Nothing was withdrawn."""


class NotYet(CommonwealError):
    """Not yet: this waits for others; try again later."""

    exit_code = 75


class NotSealedYet(NotYet):
    """No seal covers the record yet; type `weal seal`, and this again when it is made."""


class SealNeedsNode(NotYet):
    """The other witnesses must agree; run your node (`weal up`), and type this again."""


class NotAdmittedYet(NotYet):
    """You are not a member yet; leave the node running (`weal up`) until you are admitted."""


class AwaitingRestore(NotYet):
    """This home was restored and waits for your records from a peer; leave `weal up` running."""


class OlderCopy(NotYet):
    """Peers hold later records of this device; leave `weal up` running until they are here."""


class OverBudget(NotYet):
    """Others keep no more of this device before the next seal; try again after it, or tomorrow."""


class TooManyKeys(NotYet):
    """Too many requests were made under keys in two days; try again later."""


class DeviceFrozen(NotPermitted):
    """This device's log was forked and is frozen; restore from the 24 words as a new device."""
