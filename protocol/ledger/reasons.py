"""Why a record counts for nothing: each reason is a short sentence, and a key of the catalogues."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a record counts for nothing. The value is what is shown, before translation."""

    NOT_HELD = "the record is not here"
    UNKNOWN_KIND = "this version does not know the kind of the record"
    RESERVED_KIND = "the kind of the record is reserved for later"
    LOG_FROZEN = "the log was frozen before this record, since its device broke it"
    DEVICE_REVOKED = "the device was revoked before this record"
    SHAPE = "the record does not have the form of its kind"
    NOT_ENROLLED = "the device was not enrolled"
    NOT_A_MEMBER = "the author was not a member at this place"
    NOT_CITED = "the record does not cite what it refers to"

    NOT_FOUNDING = "another record founded the community"
    NO_DOCUMENT = "the founding record has no founding document"
    NOT_SIGNED = "the member's keys did not sign this"
    NOT_FIRST = "an enrolment is the first record of a log"
    UNKNOWN_MEMBER = "the member is not known at this place"
    WRONG_INCEPTION = "the inception document is not that of the member"
    TOO_MANY_DEVICES = "the member has as many devices as one can have"
    UNKNOWN_INVITE = "the invite is not known at this place"
    NOT_BY_INVITE = "the invite's key did not sign this request"
    INVITE_USED = "invite used"
    INVITE_REVOKED = "invite revoked"
    NOT_YOURS = "the author has no right to this"
    ALREADY_MEMBER = "already a member"
    ALREADY_REQUESTED = "a request of this member under this invite stands already"
    UNKNOWN_REQUEST = "the request is not known at this place"
    ALREADY_VOUCHED = "this member vouched for the request already"
    UNKNOWN_DEVICE = "the device is not known at this place"
    ALREADY_REVOKED = "already revoked"
