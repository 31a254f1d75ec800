"""Uses of data: when they count, what they pay its owner, and that nobody reads without paying.

Source of the cases: the exchange economy, section 6 (data with consent that pays its owner).
"""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.commitments import AGREED
from commonweal.protocol.ledger.exchange.data.uses import uses_of
from commonweal.protocol.ledger.state.rejections import Reason
from tests.protocol.ledger.archive import Archive, per_use
from tests.protocol.ledger.bakery import amount
from tests.protocol.ledger.library import at


def test_a_use_under_a_consent_counts_and_promises_its_owner_what_it_asks() -> None:
    archive = Archive()
    use = archive.use(archive.grant(benefit=per_use(50)))
    assert archive.verdict(use) is None
    row, owed = archive.use_row(use), archive.owed(use)
    assert row is not None and owed is not None
    assert (row.user, row.owner) == (archive.lin.owner.id, archive.jun.owner.id)
    assert (row.device, row.purpose, row.resource) == (use.author, "research", archive.data.id)
    assert (owed.action, owed.status) == ("transfer", AGREED)
    assert owed.sides == (archive.lin.owner.id, archive.jun.owner.id)
    assert owed.quantity == [50, 2, "EUR"]
    assert [event for event, _ in uses_of(archive.state, archive.jun.owner.id)] == [use.id]


def test_three_uses_at_half_a_euro_are_one_and_a_half() -> None:
    """EXCHANGE, section 6: 3 uses × 0.50 EUR = 1.50."""
    archive = Archive()
    consent = archive.grant(benefit=per_use(50))
    owed = [archive.owed(archive.use(consent)) for _ in range(3)]
    assert sum(row.quantity[0] for row in owed if row is not None) == 150


def test_a_use_for_nothing_promises_nothing() -> None:
    archive = Archive()
    use = archive.use(archive.grant())
    assert archive.use_row(use) is not None
    assert archive.owed(use) is None


def test_a_payment_fulfils_what_a_use_promises() -> None:
    archive = Archive()
    use = archive.use(archive.grant(benefit=per_use(3, 0, "coin")))
    coins = archive.make(archive.lin, archive.coin, 5)
    said = {"resourceInventoriedAs": coins.id, "receiver": archive.jun.owner.id}
    said |= {"newInventoriedResource": {}, "fulfills": use.id} | amount(3, "coin")
    paid = archive.event(archive.lin, "transfer", said, coins, use)
    assert archive.verdict(paid) is None
    owed = archive.owed(use)
    assert owed is not None and owed.open.n == 0


def test_without_a_consent_data_of_another_is_neither_used_nor_cited_nor_copied() -> None:
    archive = Archive()
    assert archive.verdict(archive.use(None)) == Reason.NO_CONSENT
    assert archive.verdict(archive.use(None, action="cite")) == Reason.NO_CONSENT
    consent = archive.grant()
    copy = archive.use(consent, action="copy", newInventoriedResource={})
    assert archive.verdict(copy) == Reason.NO_CONSENT
    assert archive.verdict(archive.use(archive.data)) == Reason.UNKNOWN_CONSENT
    assert archive.verdict(archive.use(archive.request(archive.ana))) == Reason.UNKNOWN_CONSENT


def test_who_owns_data_uses_and_copies_it_without_a_consent() -> None:
    archive = Archive()
    use = archive.use(None, archive.jun, receiver=archive.jun.owner.id)
    assert archive.verdict(use) is None
    assert archive.use_row(use) is None
    said = {"resourceInventoriedAs": archive.data.id, "newInventoriedResource": {}}
    copy = archive.event(archive.jun, "copy", said | amount(1, "one"), archive.data, use)
    assert archive.verdict(copy) is None
    assert archive.data_row(copy).hash == archive.data_row(archive.data).hash


def test_a_consent_covers_its_purposes_actions_and_data_alone() -> None:
    archive = Archive()
    consent = archive.grant(purposes=["research", "teaching"])
    assert archive.verdict(archive.use(consent, purpose="teaching")) is None
    assert archive.verdict(archive.use(consent, purpose="advertising")) == Reason.OTHER_PURPOSE
    assert archive.verdict(archive.use(consent, action="cite")) == Reason.OTHER_PURPOSE
    assert archive.verdict(archive.use(consent, purpose=None)) == Reason.SHAPE
    assert archive.verdict(archive.use(None, consent=b"short")) == Reason.SHAPE
    other = archive.add(archive.jun)
    mixed = archive.use(consent, resourceInventoriedAs=other.id)
    assert archive.verdict(mixed) == Reason.DOES_NOT_FIT
    both = archive.grant(actions=["cite", "use"])
    assert archive.verdict(archive.use(both, action="cite")) is None
    no_data = archive.use(both, resourceInventoriedAs=archive.bike.id)
    assert archive.verdict(no_data) == Reason.NOT_DATA


def test_a_use_is_by_its_author_and_of_the_giver() -> None:
    archive = Archive()
    consent = archive.grant(recipients=[archive.community])
    for_another = archive.use(consent, receiver=archive.ana.owner.id)
    assert archive.verdict(for_another) == Reason.NOT_YOURS
    assert archive.verdict(archive.use(consent, receiver=None)) == Reason.NOT_YOURS
    of_another = archive.use(consent, provider=archive.ana.owner.id)
    assert archive.verdict(of_another) == Reason.NOT_THEIRS


def test_recipients_are_members_holders_of_a_role_or_all() -> None:
    archive = Archive()
    to_lin, to_role = archive.grant(), archive.grant(recipients=["researcher"])
    to_all = archive.grant(recipients=[archive.community])
    assert archive.verdict(archive.use(to_lin, archive.ana)) == Reason.NOT_A_RECIPIENT
    assert archive.verdict(archive.use(to_role, archive.ana)) == Reason.NOT_A_RECIPIENT
    assert archive.verdict(archive.use(to_all, archive.ana)) is None
    archive.ana.write("role.claim", {"role": "researcher"}, archive.records[-1:])
    assert archive.verdict(archive.use(to_role, archive.ana)) is None


def test_a_recipient_who_lost_the_role_uses_nothing_more() -> None:
    """EXCHANGE, section 6: recipient role lost before the use (void)."""
    archive = Archive()
    consent = archive.grant(recipients=["researcher"])
    archive.ana.write("role.claim", {"role": "researcher"}, archive.records[-1:])
    before = archive.use(consent, archive.ana)
    archive.ana.write("role.resign", {"role": "researcher"}, archive.records[-1:])
    assert archive.verdict(before) is None
    assert archive.verdict(archive.use(consent, archive.ana)) == Reason.NOT_A_RECIPIENT


def test_the_community_uses_data_by_who_speaks_for_it() -> None:
    archive = Archive()
    consent = archive.grant(recipients=[archive.community], benefit=per_use(50))
    use = archive.use(consent, receiver=archive.community)
    owed = archive.owed(use)
    assert owed is not None and owed.sides == (archive.community, archive.jun.owner.id)


def test_a_use_before_the_revocation_stands_and_one_after_it_is_void() -> None:
    """EXCHANGE, section 6: revoke and use apart: seal order; use before revoke stands and pays."""
    archive = Archive()
    consent = archive.grant(benefit=per_use(50))
    before = archive.use(consent)
    archive.revoke(consent)
    after = archive.use(consent)
    assert archive.verdict(before) is None and archive.owed(before) is not None
    assert archive.verdict(after) == Reason.CONSENT_ENDED
    assert archive.owed(after) is None and archive.use_row(after) is None


def test_at_its_end_a_consent_is_over() -> None:
    """EXCHANGE, section 6: until = seal's time (expired)."""
    archive = Archive()
    times: dict[str, Any] = {"from": at(1), "until": at(2)}
    consent = archive.grant(**times)
    early = archive.use(consent)
    assert archive.verdict(early) == Reason.CONSENT_NOT_NOW
    archive.seal(at(1))
    begun = archive.use(consent)
    archive.seal(at(2) - 1)
    last = archive.use(consent)
    archive.seal(at(2))
    assert archive.verdict(begun) is None
    assert archive.verdict(last) == Reason.CONSENT_NOT_NOW


def test_who_gave_the_data_away_consents_no_more() -> None:
    archive = Archive()
    consent = archive.grant()
    moved = archive.give_away(archive.ana)
    assert archive.verdict(archive.use(consent)) == Reason.CONSENT_ENDED
    assert archive.data_row(archive.data).owner is None
    assert archive.data_row(moved).owner == archive.ana.owner.id
    new = archive.grant(archive.ana, resource=moved.id)
    sides: dict[str, Any] = {"provider": archive.ana.owner.id, "resourceInventoriedAs": moved.id}
    assert archive.verdict(archive.use(new, **sides)) is None


def test_erased_content_ends_the_consent_and_past_uses_stand() -> None:
    """EXCHANGE, section 6: owner erased the body (grant dead, past uses stand)."""
    archive = Archive()
    consent = archive.grant(benefit=per_use(50))
    before = archive.use(consent)
    assert archive.verdict(archive.erase(archive.lin, archive.data)) == Reason.NOT_YOURS
    erased = archive.erase(archive.jun, archive.data)
    assert archive.verdict(erased) is None
    assert archive.data_row(archive.data).is_erased
    assert archive.verdict(archive.use(consent)) == Reason.CONSENT_ENDED
    assert archive.owed(before) is not None
    assert archive.verdict(archive.grant()) == Reason.DATA_ERASED
    assert archive.verdict(archive.erase(archive.jun, archive.data)) == Reason.NO_TEXT


def test_a_consent_ends_with_the_membership_of_its_giver() -> None:
    archive = Archive()
    consent = archive.grant(recipients=[archive.community])
    archive.jun.write("member.leave", {}, archive.records[-1:])
    assert archive.verdict(archive.use(consent)) == Reason.CONSENT_ENDED


def test_a_use_is_not_corrected() -> None:
    archive = Archive()
    use = archive.use(archive.grant(benefit=per_use(50)))
    said = {"corrects": use.id} | amount(-1, "one")
    corrected = archive.event(archive.lin, "use", said, use)
    assert archive.verdict(corrected) == Reason.USE_STANDS
    assert archive.owed(use) is not None


@pytest.mark.parametrize(
    "content",
    [
        3,
        {},
        {"hash": b"\0" * 31, "size": 1},
        {"hash": b"\0" * 32},
        {"hash": b"\0" * 32, "size": 0},
        {"hash": b"\0" * 32, "size": True},
    ],
)
def test_content_has_a_hash_and_a_size(content: object) -> None:
    archive = Archive()
    assert archive.verdict(archive.add(archive.jun, content=content)) == Reason.SHAPE


def test_content_begins_with_its_resource() -> None:
    archive = Archive()
    content = archive.data.data["content"]
    said = {"resourceInventoriedAs": archive.bike.id, "content": content} | amount(1, "one")
    assert archive.verdict(archive.event(archive.jun, "raise", said)) == Reason.NO_NEW_RESOURCE
