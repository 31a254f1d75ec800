"""The key of a relay: made once, for its owner alone, and refused where it cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.protocol.errors import RelayKeyUnusable, StorageError
from commonweal.storage.home.relay_key import seed_of_relay


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "relay.key"
    seed = seed_of_relay(file)
    assert len(seed) == 32
    assert seed_of_relay(file) == seed
    assert seed_of_relay(tmp_path / "other.key") != seed
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["relay.key"], "no draft is left"


@pytest.mark.parametrize(
    ("text", "mode"),
    [("", 0o600), ("z" * 64, 0o600), ("ab" * 31, 0o600), ("ab" * 33, 0o600), ("ab" * 32, 0o640)],
    ids=["empty", "no-digits", "short", "long", "open-to-others"],
)
def test_a_file_that_holds_no_private_key_is_refused(tmp_path: Path, text: str, mode: int) -> None:
    file = tmp_path / "relay.key"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(RelayKeyUnusable):
        seed_of_relay(file)
    assert file.read_text() == text, "nothing is overwritten"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RelayKeyUnusable, match="not a file"):
        seed_of_relay(tmp_path)
    with pytest.raises(StorageError):
        seed_of_relay(Path("/proc/none/relay.key"))
