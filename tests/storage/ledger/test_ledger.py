"""The state that commands read: that of one fold of all records, however it came to be kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import DeviceKey, MemberKey, Signer
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import invites
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.storage.ledger import ledger
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state import pending_state
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.state.state_rows import KEY, VALUE
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from tests.protocol.ledger.scenes import Scene
from tests.protocol.ledger.village import NAME, Pen, Village, seed
from tests.protocol.ledger.workshop import Workshop, busy, paying

DOCUMENTS: Mapping[bytes, bytes] = {}
TABLES = [bytes([number]) for number in range(128)]


def everything(state: Any) -> dict[bytes, Any]:
    """Return all pairs of a state."""
    return {key: value for table in TABLES for key, value in state.items(table)}


class Home:
    """A store that records arrive at, and the state kept beside it."""

    def __init__(self, community: CommunityId, documents: Mapping[bytes, bytes]) -> None:
        self.store, self.layers = Store(), StateDb()
        self.community, self.documents = community, documents
        self.logs: dict[DeviceKey, list[Record]] = {}

    def hold(self, records: Sequence[Record]) -> None:
        """Let records be part of what will arrive, each log in its order."""
        for one in sorted(records, key=lambda one: one.seq):
            self.logs.setdefault(one.author, []).append(one)

    def arrive(self, author: DeviceKey, count: int) -> None:
        """Take in the next records of a log."""
        run, rest = self.logs[author][:count], self.logs[author][count:]
        self.logs[author] = rest
        self.store.append(author, run, self.documents)

    def seal(self, shop: Workshop) -> None:
        """Keep the seals of a shop, which may wait for what they cover."""
        seals = SealStore(self.store, self.community)
        for sealed, delta in shop.sealed:
            seals.put(sealed, delta)
        self.store.commit()

    @property
    def state(self) -> LedgerState:
        return LedgerState(self.store, self.layers, self.community)


def in_pieces(home: Home, rng: Random) -> Iterator[LedgerState]:
    """Let everything arrive in pieces; yield what is kept after some of them."""
    while any(home.logs.values()):
        author = rng.choice([one for one, rest in home.logs.items() if rest])
        home.arrive(author, rng.randint(1, 12))
        if rng.random() < 0.3:
            yield home.state
    yield home.state


@pytest.fixture(params=[(2_000, 500, 50_000), (9, 3, 5)], ids=["whole", "layered"])
def portions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    most, kept, portion = request.param
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", most)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", kept)
    monkeypatch.setattr(pending_state, "PORTION_RECORDS_MAX", portion)


def founding_documents(village: Village) -> dict[bytes, bytes]:
    first = village.records[0]
    assert first.body is not None
    return {first.body.hash: b"\x81\xa4name\xa5" + NAME.encode()}


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("seed", range(25))
def test_it_is_the_fold_of_all_records_however_they_arrived(seed: int) -> None:
    scene = Scene(seed, 60)
    village, rng = scene.village, Random(seed)
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    *_, kept = in_pieces(home, rng)
    whole = Ledger(village.community, documents=home.documents)
    whole.add(village.records)
    assert everything(kept.state) == everything(whole.state)
    for one in village.records:
        assert kept.verdict(one) == whole.verdict(one.id), one


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("seed", range(12))
def test_what_cuts_make_final_is_the_same_too(seed: int) -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    *_, kept = in_pieces(home, Random(seed))
    history: History = shop.history
    assert kept.cut == history.cut
    assert kept.ruleset == history.ruleset
    assert everything(LayeredState(home.layers, FINAL)) == everything(history.final)
    for number, tree in enumerate(history.trees):
        rows = home.layers.rows("SELECT place, page FROM tree WHERE tree = ?", (number,))
        assert dict(rows) == tree
    assert everything(kept.state) == everything(history.state)
    for one in shop.records:
        assert kept.verdict(one) == history.verdict(one.id)
        assert kept.is_final(one) == history.is_final(one.id)


def test_what_did_not_change_is_not_folded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    *_, before = in_pieces(home, Random(1))
    expected = everything(before.state)

    def never(*_args: object) -> None:
        raise AssertionError("folded again")

    monkeypatch.setattr(Ledger, "fold", never)
    assert everything(home.state.state) == expected


def test_older_records_stay_folded_when_new_ones_come(monkeypatch: pytest.MonkeyPatch) -> None:
    village = Village()
    for _ in range(40):
        village.mei.write("unit.define", {"unit": f"cup{_}"})
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 20)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 5)
    home.arrive(village.mei.key, 40)
    assert home.state.cut.height == 0
    home.arrive(village.mei.key, 1)
    folded: list[int] = []
    add = Ledger.add

    def counted(self: Ledger, records: Any) -> None:
        some = list(records)
        folded.append(len(some))
        add(self, some)

    monkeypatch.setattr(Ledger, "add", counted)
    assert home.state.state.get(b"Ucup39") is not None
    assert folded == [1]


def test_a_long_fold_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 9)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 2)
    monkeypatch.setattr(pending_state, "PORTION_RECORDS_MAX", 10)
    village = Village()
    for number in range(39):
        village.mei.write("unit.define", {"unit": f"cup{number}"})
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    home.arrive(village.mei.key, len(village.records))
    told: list[tuple[int, int]] = []

    def watch(done: int, of: int) -> None:
        told.append((done, of))

    LedgerState(home.store, home.layers, home.community, watch=watch)
    of = len(village.records)
    assert list(dict.fromkeys(told)) == [(0, of), (10, of), (20, of), (30, of), (of - 2, of)]
    told.clear()
    LedgerState(home.store, home.layers, home.community, watch=watch)
    assert not told, "what is kept is not folded again"


def test_a_long_fold_that_is_cut_off_continues_with_the_next_portion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 9)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 2)
    monkeypatch.setattr(pending_state, "PORTION_RECORDS_MAX", 10)
    village = Village()
    for number in range(39):
        village.mei.write("unit.define", {"unit": f"cup{number}"})
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    home.arrive(village.mei.key, len(village.records))
    told: list[int] = []

    def cut_off(done: int, _of: int) -> None:
        told.append(done)
        if done == 20:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        LedgerState(home.store, home.layers, home.community, watch=cut_off)
    told.clear()
    with pytest.raises(InterruptedError):
        LedgerState(home.store, home.layers, home.community, watch=cut_off)
    assert told == [10, 20], "the portion that was folded is kept"
    whole = LedgerState(home.store, home.layers, home.community)
    fresh = Home(village.community, founding_documents(village))
    fresh.hold(village.records)
    fresh.arrive(village.mei.key, len(village.records))
    other = LedgerState(fresh.store, fresh.layers, fresh.community)
    rows = f"SELECT {KEY}, layer, {VALUE} FROM state ORDER BY 1, layer"
    assert whole.layers.rows(rows) == other.layers.rows(rows)


def test_a_revocation_voids_what_was_laid_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 9)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 2)
    village = Village()
    second = Pen(village, village.founder, 1)
    second.enrol([village.mei.log[0]], is_new=False)
    for number in range(20):
        second.write("unit.define", {"unit": f"jar{number}"})
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    home.arrive(village.mei.key, 1)
    home.arrive(second.key, 21)
    assert home.state.state.get(b"Ujar7") is not None
    after = village.mei.write("unit.define", {"unit": "lid"}, [second.log[-1]])
    revoked = village.mei.revoke(second, 3)
    home.hold([after, revoked])
    home.arrive(village.mei.key, 2)
    kept = home.state
    assert kept.verdict(revoked) is None
    assert kept.state.get(b"Ujar7") is None
    assert kept.state.get(b"Ujar2") is not None


@pytest.mark.usefixtures("portions")
def test_what_a_leave_ends_may_be_folded_already() -> None:
    village = Village()
    jun = village.join("Jun")
    home = Home(village.community, founding_documents(village))
    letters = [jun.invite(village.invite_key) for _ in range(12)]
    home.hold(village.records)
    for author in (village.mei.key, jun.key):
        home.arrive(author, 99)
        assert home.state.state is not None
    left = jun.write("member.leave")
    home.hold([left])
    home.arrive(jun.key, 1)
    kept = home.state
    rows = [invites.invite_row(kept.state, letter.id) for letter in letters]
    assert [row and row.ended for row in rows] == [True] * 12
    whole = Ledger(village.community, documents=home.documents)
    whole.add(village.records)
    assert everything(kept.state) == everything(whole.state)


def test_a_record_is_folded_without_looking_at_all_devices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    village = Village()
    for name in ("Jun", "Ana", "Bo"):
        village.join(name)
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    *_, kept = in_pieces(home, Random(1))
    scanned: list[bytes] = []
    items = LayeredState.items

    def counted(self: LayeredState, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        scanned.append(prefix)
        return items(self, prefix)

    monkeypatch.setattr(LayeredState, "items", counted)
    newest = max(village.records, key=lambda one: one.clock)
    home.hold([village.mei.write("unit.define", {"unit": "cup"}, [newest])])
    home.arrive(village.mei.key, 1)
    kept.refresh()
    assert kept.state.get(b"Ucup") is not None
    assert scanned == []


@pytest.mark.usefixtures("portions")
def test_a_change_of_keys_ends_devices_from_its_place_on_and_not_before() -> None:
    shop = Workshop(paying(), "Jun")
    jun = shop.pens["Jun"]
    second = Pen(shop, jun.owner, 1)
    second.enrol([jun.log[-1]], is_new=False)
    shop.cut()
    before = [second.write("unit.define", {"unit": f"jar{number}"}) for number in range(20)]
    owner, new = jun.owner, Signer(seed("new key"))
    old = MemberKeys(owner.id, owner.inception.keys, 1)
    wanted = Inception((MemberKey(new.key),), 1, seed("nonce of the new key"))
    data = key_rotation.sign_rekey(owner.signer, old, shop.community, wanted, [jun.key])
    rekeyed = jun.write("member.rekey", data, [before[-1]])
    after = second.write("unit.define", {"unit": "lid"}, [rekeyed])
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    *_, kept = in_pieces(home, Random(1))
    assert [kept.verdict(one) for one in (*before, rekeyed)] == [None] * 21
    assert kept.verdict(after) is Reason.DEVICE_REVOKED
    assert kept.state.get(b"Ujar0") is not None


def test_a_file_of_another_community_or_version_or_of_noise_is_made_again(tmp_path: Path) -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    *_, kept = in_pieces(home, Random(2))
    expected = everything(kept.state)
    path = tmp_path / "state.db"
    path.write_bytes(b"noise" * 1000)
    with ledger.open_ledger(path, home.store, shop.community) as found:
        assert everything(found.state) == expected
    layers = StateDb(path)
    layers.put_mark("community", bytes(32))
    layers.put_mark("ledger", b"")
    layers.change("PRAGMA user_version = 77")
    layers.close()
    with ledger.open_ledger(path, home.store, shop.community) as found:
        assert everything(found.state) == expected
    village = Village()
    other = Home(village.community, founding_documents(village))
    other.hold(village.records)
    other.arrive(village.mei.key, 1)
    with ledger.open_ledger(path, other.store, village.community) as found:
        assert found.cut.height == 0
        assert len(everything(found.state)) < len(expected)


def test_who_reads_sees_one_state_while_another_folds(tmp_path: Path) -> None:
    village = Village()
    village.mei.write("unit.define", {"unit": "cup"})
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    home.arrive(village.mei.key, 1)
    path = tmp_path / "state.db"
    with ledger.open_ledger(path, home.store, village.community) as reader:
        reader.layers.pin()
        home.arrive(village.mei.key, 1)
        with ledger.open_ledger(path, home.store, village.community) as other:
            assert other.state.get(b"Ucup") is not None
        assert reader.state.get(b"Ucup") is None
    with ledger.open_ledger(path, home.store, village.community) as later:
        assert later.state.get(b"Ucup") is not None
