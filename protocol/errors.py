"""What can go wrong that the program expects, by name.

A docstring is what the member reads: what happened, what to do now. The text given on raising says
where. `exit_code` is the status with which the `weal` command ends (after sysexits.h).
"""

from __future__ import annotations

from typing import ClassVar


class CommonwealError(Exception):
    """Something went wrong; the text below says what."""

    exit_code: ClassVar[int] = 1


# At fault: whoever made the bytes.


class Malformed(CommonwealError):
    """These bytes are not in the format of Commonweal; fetch them again or ask the sender."""

    exit_code = 65


class InvalidRecord(CommonwealError):
    """The record does not follow the protocol and was not stored."""

    exit_code = 65


class BadSignature(InvalidRecord):
    """The signature does not fit the record and its author; it was not stored."""


class WrongCommunity(InvalidRecord):
    """The record belongs to another community; it was not stored."""


class MissingParent(InvalidRecord):
    """An earlier record of this log is not here yet; the next comparison with a peer fetches it."""


class MissingDependency(InvalidRecord):
    """A record that this one cites is not here yet; the next comparison with a peer fetches it."""

    def __init__(self, text: str, cited: bytes = b"", seq: int = 0) -> None:
        super().__init__(text)
        self.cited, self.seq = cited, seq


class MissingBody(InvalidRecord):
    """The document that belongs to the record is not here yet; peers are asked for it."""


class ForkedLog(InvalidRecord):
    """One device signed two different records with the same number; its log ends there."""


class InvalidSeal(CommonwealError):
    """The seal does not follow from the one before it and was not taken; nothing changed here."""

    exit_code = 65


class NotCertified(InvalidSeal):
    """The seal lacks the signatures of a quorum of its witnesses; nothing changed here."""


class WrongState(CommonwealError):
    """A state differs from what the seal names, so it is not used; tell the other members."""

    exit_code = 65


class FinalityForked(CommonwealError):
    """Two seals of one height are certified: too many witnesses lied; talk, then found anew."""

    exit_code = 65

    def __init__(self, text: str, first: bytes = b"", second: bytes = b"") -> None:
        super().__init__(text)
        self.first, self.second = first, second


class InvalidProof(CommonwealError):
    """The file does not prove that its record is final; ask whoever gave it for another."""

    exit_code = 65


# At fault: the caller.


class UsageError(CommonwealError):
    """The command does not say what to do in a form that can be read; see its --help."""

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


class BadLink(UsageError):
    """This link cannot be read; copy it again, whole, from whoever sent it."""

    exit_code = 65


class UnreadableQuantity(UsageError):
    """The quantity cannot be read; write it like 3 or 2.5, with a point and no other mark."""


class UnreadableTime(UsageError):
    """The time cannot be read; write it like 2026-11-23, 2026-11-23T18:30 or 7d."""


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


class UnknownNode(UsageError):
    """There is no node of this name in the cluster; `weal cluster status` lists them."""


class AmbiguousId(UsageError):
    """More than one here begins like this; give more of its id."""

    exit_code = 65


class UnreadableFile(UsageError):
    """The file cannot be used as it is, and nothing of it was taken in; correct what is named."""

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


class BadBackup(UsageError):
    """This is not a backup of Commonweal, or not all of it; nothing was restored from it."""

    exit_code = 65


class NotPermitted(CommonwealError):
    """The rules of the community do not allow this to you now."""

    exit_code = 77


class WouldNotCount(NotPermitted):
    """This would count for nothing in the ledger, so it was not written."""


class NotYet(CommonwealError):
    """Not yet: this waits for others; try again later."""

    exit_code = 75


# At fault: the rule, or the values it was given.


class RuleError(CommonwealError):
    """The rule cannot be used as it is written; see docs/rules.md."""

    exit_code = 65

    def __init__(self, sentence: str, hint: str, at: tuple[int, int]) -> None:
        self.sentence, self.hint, (self.line, self.column) = sentence, hint, at
        super().__init__(f"line {self.line}, column {self.column}: {sentence}; {hint}")


class RuleSyntaxError(RuleError):
    """The rule is not written in the language of rules; see its grammar in docs/rules.md."""


class RuleTypeError(RuleError):
    """The rule names something unknown or mixes what does not go together; correct it there."""


class TooLarge(RuleError):
    """The rule, or a list that it reads, is larger than the language allows; make it smaller."""


class RuleOverflow(RuleError):
    """A number left the range of 128 bits, so there is no result; count in a larger unit."""


class DivisionByZero(RuleError):
    """The rule divided by zero, so there is no result; test the divisor first with ?: ."""


class OutOfFuel(RuleError):
    """The rule took more steps than one evaluation may, so there is no result; let it do less."""


class ValueMismatch(RuleError):
    """A value given to the rule is not of the declared type; correct the record that holds it."""


class BadRuleset(CommonwealError):
    """The ruleset cannot be used as it is; `weal rules check FILE` lists all that is wrong."""

    exit_code = 65

    def __init__(self, sentence: str, hint: str, at: tuple[int, int]) -> None:
        what = f"{sentence}; {hint}" if hint else sentence
        super().__init__(f"line {at[0]}, column {at[1]}: {what}")
        self.sentence, self.hint = sentence, hint
        self.line, self.column = at


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


class DeviceFrozen(NotPermitted):
    """This device's log was forked and is frozen; restore from the 24 words as a new device."""


# At fault: this machine.


class StorageError(CommonwealError):
    """The disk did not take the change; nothing was acknowledged."""

    exit_code = 73


class DiskFull(StorageError):
    """The disk is full: the change was not stored. Free some space; reading and serving go on."""


class DiskFailed(StorageError):
    """The disk reported a failure: the change was not stored. Check the disk before going on."""


class DamagedDatabase(StorageError):
    """The database of this home is damaged; restore a backup, or fetch it again from a peer."""


class ReadOnlyDatabase(StorageError):
    """The database of this home cannot be written; check who owns the folder and its rights."""


class FileRefused(StorageError):
    """The file cannot be written there; look who may write in that folder, and for free space."""


class DatabaseBusy(StorageError):
    """Another program is writing to the database of this home; try again when it is done."""


class OutputRefused(CommonwealError):
    """The result cannot be written where it goes. What the command did stands; do not repeat it."""

    exit_code = 73


class NotReachable(CommonwealError):
    """No node answers; start it with `weal up`, or check the address."""

    exit_code = 69


class Unanswered(NotReachable):
    """The node did not answer, and may have done it or do it yet; look before you type it again."""


class NodeNotRunning(NotReachable):
    """No node of this home is running, so there is none to end."""


class NodeNotStarted(CommonwealError):
    """The node did not start; the line below says why."""


class ConfigError(CommonwealError):
    """The home or its settings cannot be used as they are."""

    exit_code = 78


class HomeInUse(ConfigError):
    """Another program uses this home; stop it with `weal down`, or wait until it is done."""


class GitMissing(ConfigError):
    """The program git does not run here; install it, and type the command again."""


class HomeTaken(ConfigError):
    """Something is in this folder already, and it was left as it is; choose another --home."""


class NotInCommunity(ConfigError):
    """This home is in no community yet; type `weal found NAME`, or `weal join LINK`."""


class InCommunityAlready(ConfigError):
    """This home is in a community already; one home is one community, so name another --home."""


class BadSetting(ConfigError):
    """A setting cannot be used as it is; correct it there, or take it out."""


class NewerHome(ConfigError):
    """This home was written by a newer version of Commonweal; install that version to open it."""


class FormerHome(ConfigError):
    """No node takes this home's old form; read it with its version, or begin anew: `weal init`."""


class OlderHome(ConfigError):
    """This database is of an older version; any command of this one brings a home up to date."""


class NotOurs(ConfigError):
    """The file is not a database of Commonweal and was left as it is; name another home."""


class MissingDatabase(ConfigError):
    """There is no database here yet; make the home with `weal start` or `weal init`."""


class KeystoreMissing(ConfigError):
    """There is no keystore here; `weal init` makes one, and --home says where to look."""


class KeystoreExists(ConfigError):
    """There is a keystore here already, and it was left as it is; choose another --home."""


class KeystoreExposed(ConfigError):
    """Others on this machine can read or change the keystore; take that right from them."""


class KeystoreDamaged(ConfigError):
    """The keystore is damaged; restore it with `weal restore` from a backup or your words."""


class KeystoreTooNew(ConfigError):
    """The keystore was written by a newer version of Commonweal; upgrade this one."""


class KeystoreTooCostly(ConfigError):
    """The keystore asks for more memory or time than this machine gives to open it."""
