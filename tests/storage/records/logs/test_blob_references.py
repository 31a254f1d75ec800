"""Authors who name a body are found in every form of its size, in logs and beside them."""

from __future__ import annotations

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import ERASABLE_BYTES_MAX, NO_ID, BodyRef, Record
from commonweal.storage.records.logs import blob_references
from commonweal.storage.records.logs.log_store import Store
from tests.storage.records.logs.test_log_store import (
    ANN,
    BEN,
    COMMUNITY,
    FOUND,
    FOUND_TIP,
    chain,
    key,
)

WANTED = bytes([7]) * 32
OTHER = bytes([8]) * 32


@pytest.mark.parametrize("permanent", [False, True])
@pytest.mark.parametrize("size", [1, 127, 128, 255, 256, 65_535, ERASABLE_BYTES_MAX])
def test_a_body_of_any_size_is_found_by_its_hash(size: int, permanent: bool) -> None:
    store = Store()
    store.append(key(ANN), [FOUND])
    store.append(key(ANN), chain(ANN, FOUND_TIP, [{"said": WANTED}], body=BodyRef(OTHER, 9, False)))
    kind = "rules.propose" if permanent else "event"
    run = chain(BEN, Tip(0, NO_ID, 0), [{}], kind=kind, body=BodyRef(WANTED, size, permanent))
    store.holds = lambda ref: True  # type: ignore[method-assign]
    store.append(key(BEN), run)
    assert blob_references.authors_naming(store, [WANTED, bytes(32)]) == [(WANTED, key(BEN))]


def test_a_body_that_a_branch_names_is_found() -> None:
    store = Store()
    store.append(key(ANN), [FOUND])
    ours = chain(ANN, FOUND_TIP, [{"n": 1}])
    theirs = chain(ANN, FOUND_TIP, [{"n": 2}], body=BodyRef(WANTED, 9, False))
    store.append(key(ANN), ours)
    store.freeze(fork_proof.check(ours[0], theirs[0], COMMUNITY))
    assert blob_references.authors_naming(store, [WANTED]) == []
    store.append_branch(theirs)
    assert blob_references.authors_naming(store, [WANTED]) == [(WANTED, key(ANN))]


def test_what_asks_for_erasing_is_found_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_references, "RARE_ROWS_MAX", 3)
    store = Store()
    store.append(key(ANN), [FOUND])
    run: list[Record] = []
    tip = FOUND_TIP
    for number, kind in enumerate(["body.erase", "unit.define", "event", "body.erase"] * 3):
        data: dict[str, Value] = {"n": number, "says": "body.erase"}
        run += chain(ANN, tip, [data], kind)
        tip = Tip(run[-1].seq + 1, run[-1].id, run[-1].clock)
    store.append(key(ANN), run)
    found, after = blob_references.erasures(store, -1)
    while after is not None:
        more, after = blob_references.erasures(store, after)
        found += more
    assert found == [one for one in run if one.kind == "body.erase"]
