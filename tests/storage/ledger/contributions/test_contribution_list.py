"""The list of contributions: the one of all records, however the fold came to be."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from commonweal.client.language.times import iso_when
from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from commonweal.storage.consensus.arrivals import note_arrivals
from commonweal.storage.ledger.contributions.contribution_filter import ContributionFilter
from commonweal.storage.ledger.contributions.contribution_list import (
    ALL,
    ContributionRow,
    contribution_in,
    contributions,
    count,
)
from commonweal.storage.ledger.contributions.points_in_time import DAY_MS, TimeBound
from commonweal.storage.ledger.ledger import LedgerState
from tests.builders.sealing_nodes import Node
from tests.protocol.ledger.scenes import Scene
from tests.storage.consensus.test_snapshots import Past, audited, fetch, offers
from tests.storage.ledger.test_ledger import Home, founding_documents, in_pieces
from tests.storage.records.logs.test_log_store import ANN, FOUND_TIP, chain

ANNE, GUEST = b"a" * 32, b"g" * 16
FIFTH_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z"""


def amount(n: int, unit: str = "hour", scale: int = 0) -> dict[str, Value]:
    return {"n": n, "scale": scale, "unit": unit}


def event(**more: Value) -> dict[str, Value]:
    return {"provider": ANNE, "action": "work", **more}


def stated(data: dict[str, Value], kind: str = "event") -> ContributionRow | None:
    """Return the contribution in a record with this data."""
    (record,) = chain(ANN, FOUND_TIP, [data], kind)
    return contribution_in(record)


def expected(kept: LedgerState, records: Sequence[Record]) -> dict[bytes, Reason | None]:
    """Return the contributions by id, from the records one by one."""
    reasons: dict[bytes, Reason | None] = {}
    for record in records:
        reason = kept.verdict(record)
        counts = reason is None and event_row(kept.state, record.id) is not None
        if contribution_in(record) and (counts or reason not in (None, Reason.LOG_FROZEN)):
            reasons[record.id] = reason
    return reasons


@pytest.mark.parametrize("seed", range(12))
def test_the_list_is_that_of_the_records_one_by_one(seed: int) -> None:
    scene = Scene(seed, 60)
    village = scene.village
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    *_, kept = in_pieces(home, Random(seed))
    rows = list(contributions(kept))
    reasons = expected(kept, village.records)
    assert {row.id: row.reason for row in rows} == reasons
    assert len(rows) == len(reasons)
    times = [row.when.start_ms for row in rows if row.when is not None]
    assert times == sorted(times, reverse=True)
    assert count(kept) == sum(reason is None for reason in reasons.values())
    assert list(contributions(kept, limit=5)) == rows[:5]


@pytest.mark.parametrize("seed", range(3))
def test_a_filter_counts_what_it_lists(seed: int) -> None:
    scene = Scene(seed, 60)
    village = scene.village
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    *_, kept = in_pieces(home, Random(seed))
    rows = list(contributions(kept))
    assert rows
    middle = rows[len(rows) // 2]
    assert middle.when is not None
    at = TimeBound(middle.when.start_ms, middle.when.start_ms)
    for wanted in (
        ALL,
        ContributionFilter(provider=middle.provider),
        ContributionFilter(action=middle.action),
        ContributionFilter(scope=middle.scope),
        ContributionFilter(provider=middle.provider, action=middle.action),
        ContributionFilter(since=at),
        ContributionFilter(until=at),
        ContributionFilter(since=at, until=at),
        ContributionFilter(provider=bytes(32)),
        ContributionFilter(action="unheard"),
    ):
        fitting = [row for row in rows if wanted.fits(row)]
        assert list(contributions(kept, wanted)) == fitting
        assert list(contributions(kept, wanted, 2)) == fitting[:2]
        assert count(kept, wanted) == sum(row.reason is None for row in fitting)


def test_after_a_state_sync_the_list_is_there_before_the_records() -> None:
    shop = Past()
    for hours in range(1, 4):
        shop.work("Jun", hours, by="Ana")
        shop.work("Jun", hours, provider=b"\x09" * 32)
        shop.seal_all()
    late = Node(shop.community, shop.documents)
    late.take(shop.records[:1])
    for kept in shop.chain:
        late.seals.put(kept.sealed, kept.delta)
    late.store.commit()
    fetch(late, offers(shop.here))
    shop.here.kept.refresh()
    there = {row.id: row for row in contributions(shop.here.kept) if row.reason is None}
    before = list(contributions(late.kept))
    assert {row.id for row in before} == set(there)
    for row in before:
        record = there[row.id]
        assert (row.action, row.provider, row.effort) == (
            record.action,
            record.provider,
            record.effort,
        )
        assert (row.claimed_at_ms, row.when, row.seq, row.is_sealed) == (None, None, None, True)
    late.take(shop.records)
    late.kept.refresh()
    assert not note_arrivals(late.kept)
    assert audited(late)
    assert list(contributions(late.kept)) == list(contributions(shop.here.kept))


HAPPENED_ON: list[tuple[Value, str]] = [
    ("2026-01-04", "2026-01-04"),
    ("2026-01-05", "2026-01-05"),
    ("2026-01-05T23:30:00", "2026-01-05T23:30:00"),
    (FIFTH_MS, "2026-01-05T00:00:00.000Z"),
    (FIFTH_MS - 1000, "2026-01-04T23:59:59.000Z"),
    (-1, "1969-12-31T23:59:59.999Z"),
    ("1969-12-31", "1969-12-31"),
    ("5.1.2026", "1970-01-02T00:00:00.000Z"),
    (None, "1970-01-02T00:00:00.000Z"),
    (True, "1970-01-02T00:00:00.000Z"),
    (["2026-01-05"], "1970-01-02T00:00:00.000Z"),
    (1 << 62, "4611686018427387904 ms"),
]
"""What events state, recorded on 1970-01-02, and when they happened."""


@pytest.mark.parametrize("sealed", [False, True], ids=["pending", "sealed"])
def test_a_contribution_is_listed_and_found_by_its_date(sealed: bool) -> None:
    shop = Past()
    for value, _ in HAPPENED_ON:
        data = event(provider=bytes(shop.pens["Jun"].owner.id), effortQuantity=amount(1))
        shop.pens["Jun"].write("event", {**data, "hasPointInTime": value}, claimed_at=DAY_MS)
    if sealed:
        shop.seal_all()
    shop.here.take(shop.records)
    kept = shop.here.kept
    kept.refresh()
    whens = [row.when for row in contributions(kept) if row.when is not None]
    assert sorted(iso_when(when) for when in whens) == sorted(text for _, text in HAPPENED_ON)
    assert [when.start_ms for when in whens] == sorted((w.start_ms for w in whens), reverse=True)
    days = {"2026-01-05", "2026-01-05T23:30:00"}
    midnight, before = "2026-01-05T00:00:00.000Z", "2026-01-04T23:59:59.000Z"
    for hours, instants in ((-12, set[str]()), (0, {midnight}), (14, {before, midnight})):
        # Who asks is so far east of UTC, and asks for the fifth of January.
        offset_ms = hours * 3_600_000
        begin = TimeBound(FIFTH_MS - offset_ms, FIFTH_MS)
        end = TimeBound(FIFTH_MS + DAY_MS - offset_ms, FIFTH_MS + DAY_MS)
        wanted = ContributionFilter(since=begin, until=end)
        found = {iso_when(row.when) for row in contributions(kept, wanted) if row.when is not None}
        assert found == days | instants
        assert count(kept, wanted) == len(found)


def test_a_contribution_is_read_as_it_was_written() -> None:
    row = stated(
        event(
            receiver=GUEST,
            resourceQuantity=amount(25, "kg", 1),
            effortQuantity=amount(250, "hour", 2),
            inScopeOf="garden",
            unknown={"kept": True},
        )
    )
    assert row is not None
    assert (row.action, row.provider, row.receiver, row.scope) == ("work", ANNE, GUEST, "garden")
    assert (row.resource, row.effort) == ((25, 1, "kg"), (250, 2, "hour"))
    assert stated(event(), kind="attest") is None


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"action": "work"},
        {"provider": ANNE},
        event(action=7),
        event(provider=b"short"),
        event(provider="a" * 32),
        event(receiver=b""),
        event(receiver=ANNE.decode()),
        event(inScopeOf=1),
        event(effortQuantity=3),
        event(effortQuantity={}),
        event(effortQuantity=amount(True)),
        event(effortQuantity={"n": "3", "scale": 0, "unit": "hour"}),
        event(effortQuantity=amount(1, scale=-1)),
        event(effortQuantity=amount(1, scale=19)),
        event(resourceQuantity={"n": 1, "scale": 0, "unit": None}),
        event(resourceQuantity=[1, 0, "hour"]),
    ],
    ids=repr,
)
def test_what_cannot_be_read_is_no_contribution(data: dict[str, Value]) -> None:
    assert stated(data) is None
