"""The state file follows from the records: where the disk changed it, it is folded again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from commonweal.node.runtime.ledger.offer_thread import OfferThread
from commonweal.node.service.events import ReadStateChunk, StateAnswered
from commonweal.protocol.errors import DamagedDatabase
from commonweal.protocol.ledger.members.registry import DEVICE
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.ledger.state.state_rows import packed
from tests.node.runtime.ledger.test_ledger_thread import Witness, witness
from tests.node.runtime.ledger.test_offer_thread import Scene, scene
from tests.storage.consensus.test_snapshots import handed_out

__all__ = ["scene", "witness"]

LOGGER = "commonweal.node.runtime.ledger.ledger_thread"


def change(path: Path, statement: str, *values: bytes) -> int:
    """Change what the file has, as its disk may."""
    with closing(StateDb(path)) as layers:
        layers.change(statement, values)
        ((rows,),) = layers.rows("SELECT changes()")
    return int(rows)


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE mark SET value = ? WHERE name = 'cut'", b"\xc1"),
        ("UPDATE mark SET value = ? WHERE name = 'cut'", packed(7)),
        ("UPDATE mark SET value = ? WHERE name = 'begun'", b"\x83"),
        ("UPDATE mark SET value = ? WHERE name = 'newest'", b"\xa4\xff"),
        ("UPDATE state SET value = ? WHERE layer = 0", b"\xa1\xea"),
        (
            f"UPDATE state SET value = ? WHERE substr(start, 1, 1) = x'{DEVICE.hex()}'",
            packed([bytes(32), None, 0]),
        ),
    ],
    ids=["no mark", "a number", "a map", "no text", "no value", "another value"],
)
def test_a_damaged_state_is_folded_again(
    witness: Witness, caplog: pytest.LogCaptureFixture, statement: str, value: bytes
) -> None:
    witness.write(10)
    witness.look(after_ms=10)
    witness.seal()
    witness.write(3)
    witness.look(after_ms=10)
    witness.look(after_ms=1_000)
    witness.deciding.close()
    assert change(witness.state, statement, value)
    witness.write(1)
    for _ in range(4):
        witness.look(after_ms=60_000)
    assert len([entry for entry in caplog.records if entry.name == LOGGER]) == 1
    assert witness.deciding._open is not None
    assert witness.deciding._open[2].kept.cut.height == 1
    witness.check()


def test_a_fault_of_ours_is_raised_when_it_comes_again(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(self: SealApplication, now_ms: int) -> None:
        raise KeyError("a fault")

    witness.write(1)
    monkeypatch.setattr(SealApplication, "outlook", faulty)
    assert witness.deciding.step(1) == []
    with pytest.raises(KeyError, match="a fault"):
        witness.deciding.step(2)


def test_a_command_that_finds_damage_says_so_and_the_node_folds_again(witness: Witness) -> None:
    witness.write(10)
    witness.look(after_ms=10)
    witness.seal()
    witness.look(after_ms=10)
    change(witness.state, "UPDATE mark SET value = x'c1' WHERE name = 'begun'")
    with closing(StateDb(witness.state)) as layers, pytest.raises(DamagedDatabase, match="folded"):
        layers.mark("begun")
    witness.look(after_ms=60_000)
    with closing(StateDb(witness.state)) as layers:
        assert layers.mark("begun") is True
    witness.check()


def test_an_offer_that_the_disk_changed_is_made_again(scene: Scene) -> None:
    offer, chunks = handed_out(scene.past.here)
    thread = OfferThread(scene.ledger, scene.state, scene.past.community)
    asked = ReadStateChunk(0, 0)
    assert thread.step(1, [asked]) == [StateAnswered(asked, (offer, chunks[0]))]
    thread.close()
    change(scene.state.with_name("state.db.offer"), "UPDATE mark SET value = x'c1'")
    assert thread.step(2, [asked]) == [StateAnswered(asked, None)]
    assert thread.step(3, [asked]) == [StateAnswered(asked, (offer, chunks[0]))]
    thread.close()
