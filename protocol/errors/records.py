"""Errors of the party that made the bytes: records, seals, proofs and states that do not hold."""

from __future__ import annotations

from commonweal.protocol.errors.base import CommonwealError


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


class OtherCheckpoint(InvalidSeal):
    """The seal differs from the one in this home's link; ask who gave the link. Nothing changed."""


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


class NotForThisDevice(CommonwealError):
    """The content is sealed to other devices; open it on one that its use was written for."""

    exit_code = 77


class UnfitContent(CommonwealError):
    """The parts do not make what the owner's record names; ask the owner, and do not use them."""

    exit_code = 65
