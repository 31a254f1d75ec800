"""A link names a recent seal, and who joins by it follows no chain that has another there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonweal.node.service.replica.chain import SealChain
from commonweal.node.service.replica.replica import Replica
from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.identity import invite as links
from commonweal.protocol.records.record import (
    NO_ID,
    CommunityId,
    LogPosition,
    RecordDraft,
    permanent_body,
    sign,
)
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from tests.builders.weal import founder, good, member, weal
from tests.protocol.authors import BO, COMMUNITY, FIRST, FOUNDING, MEI, NOW_MS
from tests.protocol.seal.test_finality_proof import MADE


def joining(height: int, seal: bytes) -> SealChain:
    """The chain of one who has the founding record, and this checkpoint."""
    store = Store()
    body = FIRST.body
    assert body is not None
    store.append(FIRST.author, [FIRST], {body.hash: FOUNDING.body})
    SealStore(store, COMMUNITY).put_trusted_seal(height, seal)
    return SealChain(store, COMMUNITY)


def test_a_chain_that_goes_through_the_seal_of_the_link_is_followed() -> None:
    for height, (sealed, _) in enumerate(MADE.heights, 1):
        chain = joining(height, sealed.seal.id)
        assert all(chain.take(*one) for one in MADE.heights)
    plain = joining(0, b"")
    assert plain.seals.trusted_seal() is None
    assert all(plain.take(*one) for one in MADE.heights)


def test_a_chain_with_another_seal_there_is_refused_however_well_it_is_certified() -> None:
    chain = joining(4, bytes(32))
    for one in MADE.heights[:3]:
        assert chain.take(*one)
    with pytest.raises(InvalidSeal, match="link of this home"):
        chain.take(*MADE.heights[3])
    assert chain.height == 3


def test_a_link_names_the_last_seal_and_who_joins_keeps_it(tmp_path: Path) -> None:
    ann, bo = founder(tmp_path / "ann"), member(tmp_path / "bo", "Bo")
    early = good("invite", "create", "--home", ann, "-o", "json").json["link"]
    assert links.from_text(early).height == 0
    good("seal", "--home", ann)
    last = good("status", "--home", ann, "-o", "json").json["finality"]
    found = links.from_text(good("invite", "create", "--home", ann, "-o", "json").json["link"])
    assert (found.height, found.seal.hex()) == (1, last["seal"])
    link = good("invite", "create", "--home", ann, "-o", "json").json["link"]
    weal("join", link, "--home", bo, "--seconds", "0")
    with Home(bo).store(readonly=True) as store:
        kept = SealStore(store, Settings.read(store).here).trusted_seal()
    assert kept is not None and (kept[0], kept[1].hex()) == (1, last["seal"])


@pytest.mark.parametrize(
    "changed", [{"parent": 7}, {"parent": [b"", 1]}, {"signatures": []}, {"inception": b"x"}]
)
def test_a_founding_record_that_founds_nothing_ends_no_node(changed: dict[str, Any]) -> None:
    place = LogPosition(CommunityId(b""), 0, NO_ID, 1, NO_ID)
    body = permanent_body(FOUNDING.body)
    data = {**FIRST.data, **changed}
    bad = sign(MEI.signer, place, RecordDraft("community.found", data, NOW_MS, body=body))
    community = CommunityId(bad.id)
    store = Store()
    store.append(MEI.device, [bad], {body.hash: FOUNDING.body})
    store.commit()
    chain = SealChain(store, community)
    assert chain.point is None and chain.height == 0
    assert Replica(store, community).member_of(BO.device) is None
    kept = LedgerState(store, StateDb(), community)
    outlook = SealApplication(kept).outlook()
    assert outlook.alarm and outlook.witnesses == ()
    assert SealApplication(kept).build((), NOW_MS) is None
