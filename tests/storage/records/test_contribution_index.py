"""The index of events: found, summed, taken back, and never behind for long."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol import keys
from commonweal.protocol.codec import Value
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import Record, RecordId, from_bytes
from commonweal.storage.records.contribution_index import By, EventRow, Index, Quantity, Sum
from commonweal.storage.records.log_store import Store
from tests.storage.records.test_log_store import (
    ANN,
    BEN,
    COMMUNITY,
    FOUND,
    FOUND_TIP,
    chain,
    key,
    notes,
)

ANNE, BERT, GUEST = b"a" * 32, b"b" * 32, b"g" * 16
BYS: tuple[By, ...] = ("provider", "action", "unit")


def event(provider: bytes = ANNE, action: str = "work", **more: Value) -> dict[str, Value]:
    return {"provider": provider, "action": action, **more}


def amount(n: int, unit: str = "hour", scale: int = 0) -> dict[str, Value]:
    return {"n": n, "scale": scale, "unit": unit}


def indexed(datas: list[dict[str, Value]], kind: str = "event") -> tuple[Store, Index]:
    store = Store()
    store.append(key(ANN), [FOUND, *chain(ANN, FOUND_TIP, datas, kind)])
    index = Index(store)
    while index.catch_up():
        store.commit()
    return store, index


def answers(index: Index) -> tuple[object, ...]:
    """Return all that an index says."""
    return (
        list(index.events()),
        index.total(),
        index.unreadable(),
        *(index.sums(by) for by in BYS),
    )


def test_an_event_is_found_as_it_was_written() -> None:
    data = event(
        receiver=GUEST,
        resourceQuantity=amount(25, "kg", 1),
        effortQuantity=amount(250, "hour", 2),
        inScopeOf="garden",
        resourceConformsTo=b"a" * 32,
        unknown={"kept": True},
    )
    store, index = indexed([data, event(BERT, "produce")])
    rich, plain = chain(ANN, FOUND_TIP, [data, event(BERT, "produce")])
    assert list(index.events()) == [
        EventRow(*(plain.id, key(ANN), 2, 1_002, "produce", BERT), *(None, None, None, None, None)),
        EventRow(
            *(rich.id, key(ANN), 1, 1_001, "work", ANNE, GUEST),
            *(Quantity(25, 1, "kg"), Quantity(250, 2, "hour"), "garden", b"a" * 32),
        ),
    ]
    assert store.record(rich.id) == rich


def test_events_are_found_by_what_is_asked() -> None:
    datas = [
        event((ANNE, BERT)[n % 2], ("work", "use", "produce")[n % 3], inScopeOf="ab"[n // 6])
        for n in range(12)
    ]
    _, index = indexed(datas)
    times = range(1_001, 1_013)
    questions: list[dict[str, Any]] = [
        {},
        {"member": BERT},
        {"action": "use"},
        {"member": ANNE, "action": "work"},
        {"scope": "b"},
        {"since": 1_004},
        {"until": 1_004},
        {"since": 1_003, "until": 1_009, "member": ANNE, "action": "produce", "scope": "a"},
        {"member": bytes(32)},
        {"action": "unheard"},
        {"scope": ""},
        {"since": 2_000},
    ]
    for asked in questions:
        expected = [
            time
            for data, time in zip(datas, times, strict=True)
            if asked.get("member") in (None, data["provider"])
            and asked.get("action") in (None, data["action"])
            and asked.get("scope") in (None, data["inScopeOf"])
            and asked.get("since", 0) <= time < asked.get("until", 9_999)
        ][::-1]
        assert [one.claimed_at for one in index.events(**asked)] == expected
        assert index.total(**asked) == len(expected)
        assert [one.claimed_at for one in index.events(**asked, limit=2)] == expected[:2]


def test_other_records_are_no_events() -> None:
    _, index = indexed([event()], kind="attest")
    assert answers(index) == ([], 0, 0, [], [], [])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"action": "work"},
        {"provider": ANNE},
        event(action=7),  # type: ignore[arg-type]
        event(b"short"),
        event("a" * 32),  # type: ignore[arg-type]
        event(receiver=b""),
        event(receiver=ANNE.decode()),
        event(inScopeOf=1),
        event(resourceConformsTo=[]),
        event(resourceConformsTo="apples"),
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
def test_what_cannot_be_read_is_counted_and_left_out(data: dict[str, Value]) -> None:
    _, index = indexed([event(), data, event(BERT)])
    assert [one.provider for one in index.events()] == [BERT, ANNE]
    assert index.total() == 2
    assert index.unreadable() == 1


def test_sums_are_exact_across_scales_and_units() -> None:
    _, index = indexed(
        [
            event(effortQuantity=amount(250, "hour", 2)),
            event(effortQuantity=amount(1)),
            event(effortQuantity=amount(-5, "hour", 1), resourceQuantity=amount(3, "kg")),
            event(BERT, "produce", resourceQuantity=amount(4, "kg")),
            event(BERT, "use"),
        ]
    )
    assert index.sums("provider") == [
        Sum(ANNE, "hour", 3, 0, 2),
        Sum(ANNE, "kg", 3, 0, 1),
        Sum(BERT, None, 0, 0, 1),
        Sum(BERT, "kg", 4, 0, 1),
    ]
    assert index.sums("action", member=BERT) == [
        Sum("produce", "kg", 4, 0, 1),
        Sum("use", None, 0, 0, 1),
    ]
    assert index.sums("unit", action="work") == [
        Sum("hour", "hour", 3, 0, 2),
        Sum("kg", "kg", 3, 0, 1),
    ]
    assert sum(one.events for one in index.sums("unit")) == index.total() == 5


def test_decimals_that_do_not_cancel_are_kept() -> None:
    quantities = [amount(25, scale=1), amount(3, scale=3), amount(1)]
    _, index = indexed([event(effortQuantity=one) for one in quantities])
    assert index.sums("unit") == [Sum("hour", "hour", 3_503, 3, 3)]


def test_no_quantity_overflows_a_sum() -> None:
    most, least = 2**63 - 1, -(2**63)
    _, index = indexed([event(effortQuantity=amount(most)) for _ in range(5)])
    assert index.sums("unit") == [Sum("hour", "hour", 5 * most, 0, 5)]
    _, index = indexed([event(effortQuantity=amount(least)) for _ in range(5)])
    assert index.sums("unit") == [Sum("hour", "hour", 5 * least, 0, 5)]


def test_catching_up_goes_in_steps_and_ends() -> None:
    store = Store()
    index = Index(store)
    store.append(key(ANN), [FOUND, *chain(ANN, FOUND_TIP, [event()] * 6)])
    store.append(key(BEN), chain(BEN, Tip(), [event(BERT)] * 3))
    steps = list(islice(iter(lambda: index.catch_up(4), 0), 10))
    assert steps == [4, 4, 2]
    assert index.total() == 9


def test_a_batch_taken_back_is_not_in_the_index() -> None:
    store, index = indexed([event()])
    store.append(key(BEN), chain(BEN, Tip(), [event(BERT, "use")]))
    assert index.catch_up() == 1
    store.rollback()
    assert index.total() == 1
    assert index.catch_up() == 0


def test_void_events_count_no_more() -> None:
    store, index = indexed([event(effortQuantity=amount(n)) for n in range(6)] + [event(BERT), {}])
    other = chain(ANN, FOUND_TIP, [event(effortQuantity=amount(n)) for n in range(2)] + [event()])
    third = store.wires(key(ANN), 3, 4, 0)[0]
    store.freeze(fork_proof.check(from_bytes(third), other[2], COMMUNITY))
    store.append_branch(other[2:])
    assert index.catch_up() == 6
    assert index.catch_up() == 0
    assert [one.effort for one in index.events()] == [
        Quantity(1, 0, "hour"),
        Quantity(0, 0, "hour"),
    ]
    assert index.sums("provider") == [Sum(ANNE, "hour", 1, 0, 2)]
    assert index.unreadable() == 0


_quantities = st.one_of(
    st.none(),
    st.builds(
        amount,
        st.integers(-(2**63), 2**63 - 1) | st.integers(-50, 50),
        st.sampled_from(["hour", "kg"]),
        st.integers(-1, 3),
    ),
)
_events = st.fixed_dictionaries(
    {
        "provider": st.sampled_from([ANNE, BERT, GUEST, b"?"]),
        "action": st.sampled_from(["work", "use"]),
        "effortQuantity": _quantities,
        "resourceQuantity": _quantities,
        "inScopeOf": st.sampled_from([None, "garden"]),
    }
)
_steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([ANN, BEN]), st.lists(_events, min_size=1, max_size=4)),
        st.tuples(st.sampled_from([ANN, BEN]), st.integers(0, 8)),
        st.integers(1, 5),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(_steps)
def test_an_index_made_step_by_step_is_the_one_made_at_once(steps: list[Any]) -> None:
    """Runs come in, logs are frozen at any place, and the index follows when it likes."""
    store = Store()
    index = Index(store)
    for step in steps:
        match step:
            case int(records_max):
                index.catch_up(records_max)
            case (Signer() as signer, int(seq)):
                _freeze(store, signer, seq)
            case (Signer() as signer, list(datas)):
                row = store.log(key(signer))
                if row.frozen is None:
                    store.append(key(signer), chain(signer, row.tip, datas))
    while index.catch_up(3):
        pass
    by_steps = answers(index)
    index.clear()
    index.catch_up(10_000)
    assert answers(index) == by_steps
    assert len(by_steps[0]) + index.unreadable() == store.counts().records  # type: ignore[arg-type]
    store.close()


def _freeze(store: Store, signer: Signer, seq: int) -> None:
    held = store.wires(key(signer), seq, seq + 1, 0)
    if held:
        one = from_bytes(held[0])
        tip = Tip(seq, one.prev, one.clock - 1)
        store.freeze(fork_proof.check(one, notes(signer, tip, 1, "fork")[0], COMMUNITY))


def test_a_hundred_thousand_records_fit_in_little_more_than_their_bytes(tmp_path: Path) -> None:
    """The id and the beginning of each record are not stored, which pays for the index of ids."""
    template = chain(ANN, FOUND_TIP, [event(effortQuantity=amount(250, "hour", 2), note="x" * 60)])[
        0
    ]
    store = Store(tmp_path / "records.db")
    tips: dict[int, RecordId] = {}
    for start in range(0, 10_000, 100):
        for author in range(10):
            run = _unsigned_run(template, bytes([author]) * 32, start, tips.get(author, b""))
            store.append(run[0].author, run)
            tips[author] = run[-1].id
        store.commit()
    wire_bytes = store.counts().bytes
    store.close()
    assert wire_bytes > 100_000 * 200
    assert (tmp_path / "records.db").stat().st_size <= 1.05 * wire_bytes


def _unsigned_run(template: Record, author: bytes, start: int, prev: bytes) -> list[Record]:
    """Return 100 records that only look like ones, which is all that their size needs."""
    opening = template.wire[: template.wire.index(template.author)] + author
    run = []
    for seq in range(start, start + 100):
        tail = b"\xcd" + seq.to_bytes(2, "big") + template.wire[len(opening) + 1 : -64]
        wire = opening + tail + os.urandom(64)
        one = template._replace(
            id=RecordId(keys.hash32(keys.RECORD, wire)),
            author=DeviceKey(author),
            seq=seq,
            prev=RecordId(prev),
            wire=wire,
        )
        run.append(one)
        prev = one.id
    return run


def test_a_record_that_the_disk_changed_waits_until_it_is_mended() -> None:
    datas = [event(resourceQuantity=amount(n)) for n in range(3)]
    store, index = indexed(datas)
    expected = answers(index)
    row = store.row("SELECT key, tail FROM record WHERE key & 1099511627775 = 2")
    assert row is not None
    number, tail = row
    for bit in range(8 * len(tail)):
        spoilt = bytearray(tail)
        spoilt[bit // 8] ^= 1 << bit % 8
        store.change("UPDATE record SET tail = ? WHERE key = ?", (bytes(spoilt), number))
        index.clear()
        assert index.catch_up() <= 4
        waits = store.row("SELECT 1 FROM log WHERE indexed < length")
        assert index.catch_up() == 0
        store.change("UPDATE record SET tail = ? WHERE key = ?", (tail, number))
        index.catch_up()
        assert not waits or answers(index) == expected
