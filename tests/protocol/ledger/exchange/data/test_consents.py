"""Consents and requests: who writes them, in which form, how they end, and how many there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.data import consents
from commonweal.protocol.ledger.exchange.data.consents import (
    ANSWERED,
    ASKED,
    GIVEN,
    GRANTS_OPEN_MAX,
    NOTICE_BYTES_MAX,
    PER_USE_MAX,
    PURPOSES_MAX,
    RECIPIENTS_MAX,
    REFUSED,
    RENEWED,
    REPLACED,
    WITHDRAWN,
)
from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records import record
from commonweal.protocol.vocabulary.rule_params import DataRules, Role
from tests.protocol.ledger.archive import RULES, TEXT_REF, Archive, per_use
from tests.protocol.ledger.library import at

MANY = [f"purpose {number}" for number in range(PURPOSES_MAX + 1)]
NAMED = [f"role {number}" for number in range(RECIPIENTS_MAX + 1)]
WIDE = replace(RULES, roles={**RULES.roles, **dict.fromkeys(NAMED, Role())})

SOUND: list[dict[str, Any]] = [
    {},
    {"purposes": MANY[:PURPOSES_MAX]},
    {"purposes": ["p" * 32]},
    {"actions": ["cite", "use"]},
    {"recipients": NAMED[:RECIPIENTS_MAX]},
    {"from": 0, "until": 1},
    {"from": 5},
    {"until": 2**63 - 1},
    {"benefit": per_use(PER_USE_MAX)},
    {"benefit": {"pool": "income"}},
]
WRONG: list[tuple[dict[str, Any], Reason]] = [
    ({"resource": b"\0" * 31}, Reason.SHAPE),
    ({"resource": b"\0" * 32}, Reason.NOT_DATA),
    ({"purposes": []}, Reason.SHAPE),
    ({"purposes": None}, Reason.SHAPE),
    ({"purposes": MANY}, Reason.SHAPE),
    ({"purposes": ["p" * 33]}, Reason.SHAPE),
    ({"purposes": ["b", "a"]}, Reason.SHAPE),
    ({"purposes": ["a", "a"]}, Reason.SHAPE),
    ({"purposes": [3]}, Reason.SHAPE),
    ({"actions": []}, Reason.SHAPE),
    ({"actions": ["copy"]}, Reason.SHAPE),
    ({"actions": ["use", "cite"]}, Reason.SHAPE),
    ({"recipients": []}, Reason.SHAPE),
    ({"recipients": None}, Reason.SHAPE),
    ({"recipients": NAMED}, Reason.SHAPE),
    ({"recipients": ["consumer", "consumer"]}, Reason.SHAPE),
    ({"recipients": [b"\0" * 16]}, Reason.SHAPE),
    ({"recipients": [b"\0" * 32]}, Reason.UNKNOWN_AGENT),
    ({"recipients": ["driver"]}, Reason.UNKNOWN_ROLE),
    ({"from": -1}, Reason.SHAPE),
    ({"until": "soon"}, Reason.SHAPE),
    ({"from": 5, "until": 5}, Reason.SHAPE),
    ({"language": None}, Reason.SHAPE),
    ({"language": ""}, Reason.SHAPE),
    ({"benefit": 5}, Reason.SHAPE),
    ({"benefit": {}}, Reason.SHAPE),
    ({"benefit": {"perUse": 5}}, Reason.SHAPE),
    ({"benefit": per_use(0)}, Reason.SHAPE),
    ({"benefit": per_use(PER_USE_MAX + 1)}, Reason.SHAPE),
    ({"benefit": per_use(1) | {"pool": "income"}}, Reason.SHAPE),
    ({"benefit": per_use(1, unit="furlong")}, Reason.UNKNOWN_UNIT),
    ({"benefit": {"pool": 3}}, Reason.SHAPE),
    ({"benefit": {"pool": "gifts"}}, Reason.NO_POOL),
    ({"replaces": "last"}, Reason.SHAPE),
    ({"replaces": b"\0" * 32}, Reason.UNKNOWN_CONSENT),
    ({"answers": b"\0" * 32}, Reason.UNKNOWN_CONSENT),
]


def test_sound_consents_and_requests_count() -> None:
    archive = Archive(WIDE)
    granted = [archive.grant(**said) for said in SOUND]
    assert [archive.verdict(one) for one in granted] == [None] * len(SOUND)
    for said in SOUND:
        asked = archive.request(**said)
        assert archive.verdict(asked) is None
        archive.revoke(asked)


def test_what_is_not_sound_is_refused() -> None:
    archive = Archive(WIDE)
    granted = [(archive.grant(**said), reason) for said, reason in WRONG]
    assert [archive.verdict(one) for one, _ in granted] == [reason for _, reason in granted]


def test_a_request_is_as_sound_as_a_consent() -> None:
    archive = Archive(WIDE)
    asked = [(archive.request(**said), reason) for said, reason in WRONG[:-3]]
    assert [archive.verdict(one) for one, _ in asked] == [reason for _, reason in asked]


@pytest.mark.parametrize("kind", ["consent.grant", "consent.ask"])
def test_the_notice_is_kept_for_ever_and_short(kind: str) -> None:
    archive = Archive()
    pen = archive.jun if kind == "consent.grant" else archive.lin
    longest = record.permanent_body(b"x" * NOTICE_BYTES_MAX)
    too_long = record.permanent_body(b"x" * (NOTICE_BYTES_MAX + 1))
    texts = [None, TEXT_REF, too_long, longest]
    written = [pen.write(kind, archive.said(), archive.records[-1:], text) for text in texts]
    reasons = [Reason.NO_NOTICE, Reason.NO_NOTICE, Reason.SHAPE, None]
    assert [archive.verdict(one) for one in written] == reasons


def test_only_who_owns_the_data_consents() -> None:
    """EXCHANGE, section 6: grant by one who no longer holds the thing."""
    archive = Archive()
    assert archive.verdict(archive.grant(archive.lin)) == Reason.NOT_YOURS
    archive.give_away(archive.ana)
    assert archive.verdict(archive.grant()) == Reason.NOT_YOURS


def test_for_data_of_the_community_its_speakers_consent() -> None:
    archive = Archive(replace(RULES, speaks_for_community="speaker"))
    common = archive.add(archive.mei, archive.community)
    archive.lin.write("attest", {"event": common.id, "say": "yes"}, [common])
    wants = {"resource": common.id, "recipients": [archive.ana.owner.id]}
    assert archive.verdict(archive.grant(archive.mei, **wants)) == Reason.NOT_YOURS
    archive.mei.write("role.claim", {"role": "speaker"}, archive.records[-1:])
    given = archive.grant(archive.mei, **wants, benefit=per_use(50))
    assert archive.consent_row(given).giver == archive.community
    said = {"provider": archive.community, "resourceInventoriedAs": common.id}
    use = archive.use(given, archive.ana, **said)
    owed = archive.owed(use)
    assert owed is not None and owed.sides == (archive.ana.owner.id, archive.community)
    assert archive.verdict(archive.revoke(given, archive.lin)) == Reason.NOT_YOURS
    assert archive.verdict(archive.revoke(given, archive.mei)) is None


def test_a_new_consent_replaces_one_of_the_same_data() -> None:
    """EXCHANGE, section 6: grant to all, then narrowed."""
    archive = Archive()
    to_all = archive.grant(recipients=[archive.community])
    first = archive.use(to_all, archive.ana)
    to_lin = archive.grant(replaces=to_all.id)
    assert archive.consent_row(to_all).status == REPLACED
    assert archive.consent_row(to_all).by == to_lin.id
    assert archive.consent_row(to_lin).status == RENEWED
    assert archive.verdict(first) is None
    assert archive.verdict(archive.use(to_all, archive.ana)) == Reason.CONSENT_ENDED
    assert archive.verdict(archive.use(to_lin, archive.ana)) == Reason.NOT_A_RECIPIENT
    assert archive.verdict(archive.use(to_lin)) is None
    assert archive.verdict(archive.grant(replaces=to_all.id)) == Reason.NOT_OPEN
    other = archive.add(archive.jun)
    assert archive.verdict(archive.grant(resource=other.id, replaces=to_lin.id)) == (
        Reason.DOES_NOT_FIT
    )


def test_a_request_is_answered_refused_or_taken_back() -> None:
    archive = Archive()
    asked = archive.request()
    assert archive.consent_row(asked).status == ASKED
    assert archive.verdict(archive.request()) == Reason.NOTHING_NEW
    given = archive.grant(answers=asked.id)
    assert archive.consent_row(asked).status == ANSWERED
    assert archive.consent_row(given).status == GIVEN
    assert archive.verdict(archive.grant(answers=asked.id)) == Reason.NOT_OPEN
    assert archive.verdict(archive.grant(answers=given.id)) == Reason.DOES_NOT_FIT
    refused = archive.request()
    assert archive.verdict(archive.revoke(refused, archive.ana)) == Reason.NOT_YOURS
    archive.revoke(refused)
    assert archive.consent_row(refused).status == REFUSED
    back = archive.request()
    archive.revoke(back, archive.lin)
    assert archive.consent_row(back).status == WITHDRAWN
    assert archive.verdict(archive.request(archive.jun)) == Reason.OWN_DATA


def test_a_consent_is_revoked_once_and_by_its_giver() -> None:
    archive = Archive()
    consent = archive.grant()
    assert archive.verdict(archive.revoke(consent, archive.lin)) == Reason.NOT_YOURS
    assert archive.verdict(archive.revoke(archive.data)) == Reason.UNKNOWN_CONSENT
    malformed = archive.consent(archive.jun, "consent.revoke", {"consent": b"x"})
    assert archive.verdict(malformed) == Reason.SHAPE
    archive.revoke(consent)
    assert archive.consent_row(consent).status == WITHDRAWN
    assert archive.verdict(archive.revoke(consent)) == Reason.NOT_OPEN


def test_the_rules_bound_purposes_and_time() -> None:
    limits = DataRules(purposes=("research",), longest_ms=30 * DAY_MS)
    archive = Archive(replace(RULES, data=limits))
    cases: list[tuple[dict[str, Any], Reason | None]] = [
        ({"until": at(30)}, None),
        ({"until": at(30) + 1}, Reason.CONSENT_TOO_LONG),
        ({}, Reason.CONSENT_TOO_LONG),
        ({"from": at(5), "until": at(35)}, None),
        ({"until": at(30), "purposes": ["teaching"]}, Reason.UNKNOWN_PURPOSE),
        ({"until": at(30), "benefit": {"pool": "income"}}, Reason.NO_POOL),
    ]
    written = [archive.grant(**said) for said, _ in cases]
    assert [archive.verdict(one) for one in written] == [reason for _, reason in cases]


def test_so_many_consents_of_one_resource_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GRANTS_OPEN_MAX == consents.ASKS_OPEN_MAX == 64
    monkeypatch.setattr(consents, "GRANTS_OPEN_MAX", 2)
    monkeypatch.setattr(consents, "ASKS_OPEN_MAX", 1)
    archive = Archive()
    first, asked = archive.grant(until=at(1)), archive.request()
    archive.grant()
    assert archive.verdict(asked) is None
    assert archive.verdict(archive.grant()) == Reason.TOO_MANY_CONSENTS
    assert archive.verdict(archive.request(archive.ana)) == Reason.TOO_MANY_CONSENTS
    archive.seal(at(0, 1))
    archive.seal(at(1))
    # The first is over, and makes room for another.
    later = archive.grant()
    assert archive.verdict(later) is None
    assert archive.verdict(archive.grant()) == Reason.TOO_MANY_CONSENTS
    archive.revoke(later)
    assert archive.verdict(archive.grant()) is None
    assert archive.consent_row(first).status == GIVEN
