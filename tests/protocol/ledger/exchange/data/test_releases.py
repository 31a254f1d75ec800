"""Releases: who may hand over which part for which use, each once (EXCHANGE.md, section 6)."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.ledger.exchange.data import releases
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records import sealed_body
from commonweal.protocol.records.data_content import (
    CONTENT_BYTES_MAX,
    PART_BYTES_MAX,
    PARTS_MAX,
)
from commonweal.protocol.records.record import BodyRef, Record
from commonweal.protocol.records.sealed_body import SEALED_DEVICES_MAX
from tests.protocol.ledger.archive import TEXT_REF, Archive
from tests.protocol.ledger.village import Pen, seed
from tests.protocol.records.test_sealed_body import chances

BODY = sealed_body.seal(b"x", [DeviceKey(Signer(seed("reader")).key)], chances("release"))[1]


class Releasing(Archive):
    """Jun hands over what Lin used."""

    def release(
        self,
        made_for: Record,
        pen: Pen | None = None,
        body: BodyRef | None = BODY,
        **over: Any,
    ) -> Record:
        said: dict[str, Any] = {"use": made_for.id, "of": 1, "part": 0}
        data = {key: value for key, value in (said | over).items() if value is not None}
        return (pen or self.jun).write("data.release", data, [made_for, *self._last()], body)

    def large(self, size: int) -> tuple[Record, Record]:
        """Let Lin use other data of this size; return it with the use."""
        content = {"hash": seed("large"), "size": size}
        data = self.add(self.jun, content=content)
        grant = self.grant(resource=data.id)
        return data, self.use(grant, resourceInventoriedAs=data.id)


@pytest.fixture
def archive() -> Releasing:
    return Releasing()


def test_the_owner_hands_over_what_was_used(archive: Releasing) -> None:
    use = archive.use(archive.grant())
    made = archive.release(use)
    assert archive.verdict(made) is None
    assert releases.released(archive.state, use.id) == {0: made.id}


def test_a_part_is_handed_over_once(archive: Releasing) -> None:
    use = archive.use(archive.grant())
    first = archive.release(use)
    again = archive.release(use)
    assert archive.verdict(again) is Reason.RELEASED_BEFORE
    assert releases.released(archive.state, use.id) == {0: first.id}


def test_each_use_has_its_own_release(archive: Releasing) -> None:
    grant = archive.grant()
    one, other = archive.use(grant), archive.use(grant)
    made = archive.release(one), archive.release(other)
    assert [archive.verdict(record) for record in made] == [None, None]


@pytest.mark.parametrize("pen", ["lin", "ana"])
def test_nobody_else_hands_it_over(archive: Releasing, pen: str) -> None:
    use = archive.use(archive.grant())
    assert archive.verdict(archive.release(use, getattr(archive, pen))) is Reason.NOT_YOURS


def test_nothing_is_handed_over_for_a_use_that_does_not_count(archive: Releasing) -> None:
    """EXCHANGE.md 6: content is handed over only against a use that is folded as valid."""
    grant = archive.grant()
    archive.revoke(grant)
    late = archive.use(grant)
    assert archive.verdict(late) is Reason.CONSENT_ENDED
    for named in (late, grant, archive.data):
        assert archive.verdict(archive.release(named)) is Reason.UNKNOWN_USE
    assert releases.released(archive.state, late.id) == {}


def test_a_use_before_the_revocation_is_answered_after_it(archive: Releasing) -> None:
    grant = archive.grant()
    use = archive.use(grant)
    archive.revoke(grant)
    assert archive.verdict(archive.release(use)) is None


@pytest.mark.parametrize("body", [None, TEXT_REF], ids=["none", "a text that all can read"])
def test_only_a_sealed_body_holds_content(archive: Releasing, body: BodyRef | None) -> None:
    use = archive.use(archive.grant())
    assert archive.verdict(archive.release(use, body=body)) is Reason.NOT_SEALED


WRONG: dict[str, tuple[dict[str, Any], Reason]] = {
    "no use": ({"use": None}, Reason.SHAPE),
    "a use that is a text": ({"use": "use"}, Reason.SHAPE),
    "a use of 31 bytes": ({"use": bytes(31)}, Reason.SHAPE),
    "a use that nobody knows": ({"use": bytes(32)}, Reason.UNKNOWN_USE),
    "no part": ({"part": None}, Reason.SHAPE),
    "a part below 0": ({"part": -1}, Reason.SHAPE),
    "a part that is true": ({"of": 2, "part": True}, Reason.SHAPE),
    "a part past the last": ({"part": 1}, Reason.SHAPE),
    "no number of parts": ({"of": None}, Reason.SHAPE),
    "no parts": ({"of": 0}, Reason.SHAPE),
    "more parts than the content has": ({"of": 2}, Reason.WRONG_PARTS),
    "the most parts": ({"of": PARTS_MAX}, Reason.WRONG_PARTS),
    "parts without end": ({"of": 2**62, "part": 2**62 - 1}, Reason.WRONG_PARTS),
}


@pytest.mark.parametrize(("over", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_no_release_counts_for_nothing(
    archive: Releasing, over: dict[str, Any], reason: Reason
) -> None:
    use = archive.use(archive.grant())
    assert archive.verdict(archive.release(use, **over)) is reason
    assert releases.released(archive.state, use.id) == {}


def test_a_large_content_is_handed_over_in_as_many_parts_as_its_size_asks(
    archive: Releasing,
) -> None:
    _data, use = archive.large(2 * PART_BYTES_MAX + 1)
    made = [archive.release(use, of=3, part=part) for part in (2, 0, 1)]
    assert [archive.verdict(record) for record in made] == [None] * 3
    assert list(releases.released(archive.state, use.id)) == [0, 1, 2]
    assert archive.verdict(archive.release(use, of=2, part=0)) is Reason.WRONG_PARTS


def test_the_largest_content_is_handed_over_whole(archive: Releasing) -> None:
    _data, use = archive.large(CONTENT_BYTES_MAX)
    last = archive.release(use, of=PARTS_MAX, part=PARTS_MAX - 1)
    assert archive.verdict(last) is None


def test_what_was_handed_over_stays_when_the_data_is_erased(archive: Releasing) -> None:
    use = archive.use(archive.grant())
    made = archive.release(use)
    archive.erase(archive.jun, archive.data)
    assert releases.released(archive.state, use.id) == {0: made.id}


def readers(archive: Releasing, use: Record) -> set[bytes]:
    row = archive.use_row(use)
    assert row is not None
    found = releases.readers(archive.state, row)
    assert list(found) == sorted(found)
    return set(found)


def second_device(archive: Releasing, number: int = 1) -> Pen:
    pen = Pen(archive, archive.lin.owner, number)
    pen.enrol(archive._last(), is_new=False)
    return pen


def test_the_readers_are_the_devices_of_who_used_it(archive: Releasing) -> None:
    use = archive.use(archive.grant())
    assert readers(archive, use) == {archive.lin.key}
    other = second_device(archive)
    assert readers(archive, use) == {archive.lin.key, other.key}


def test_a_device_that_was_revoked_before_the_release_reads_nothing(archive: Releasing) -> None:
    other = second_device(archive)
    use = archive.use(archive.grant(), other)
    assert archive.use_row(use) is not None
    archive.lin.write("member.profile", {}, archive._last(), TEXT_REF)
    archive.lin.revoke(other, len(other.log) - 1)
    assert readers(archive, use) == {archive.lin.key}


def test_the_device_that_asked_is_among_the_readers_of_many(archive: Releasing) -> None:
    others = [second_device(archive, number) for number in range(1, SEALED_DEVICES_MAX + 2)]
    last = max(others, key=lambda pen: pen.key)
    use = archive.use(archive.grant(), last)
    found = readers(archive, use)
    assert len(found) == SEALED_DEVICES_MAX
    assert last.key in found


def test_a_member_who_left_reads_nothing(archive: Releasing) -> None:
    use = archive.use(archive.grant())
    archive.lin.write("member.leave", {}, archive._last())
    assert readers(archive, use) == set()
