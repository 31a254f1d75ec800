"""Opening what was handed over for a use of data, through the API."""

from __future__ import annotations

from base64 import b64decode

import pytest

from commonweal.protocol.records import data_content
from tests.builders.api_calls import calling
from tests.builders.archivists import SECRET, Archivists, hand_over
from tests.web.api.test_calls import code


@pytest.fixture(scope="module")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    """An archive in which Mei handed over what Bo used."""
    return Archivists(tmp_path_factory.mktemp("opening") / "homes")


def test_who_used_data_opens_what_was_handed_over_and_nobody_else(lanxi: Archivists) -> None:
    use = lanxi.use(lanxi.grant())
    path = f"/data-uses/{use.hex()}/opening"
    with calling(lanxi.bo.path) as bo:
        assert code(bo.try_post(path, {})) == (409, "not_yet"), "no seal covers it"
    lanxi.seal()
    assert hand_over(lanxi.mei) == 1
    lanxi.meet()
    with calling(lanxi.bo.path) as bo:
        told = bo.post(path, {})
        assert b64decode(told["base64"]) == SECRET
        assert (told["use"], told["resource"]) == (use.hex(), lanxi.data.hex())
        assert (told["name"], told["size"]) == ("yields", len(SECRET))
        assert bo.post(f"/data-uses/{use.hex()[:12]}/opening", {}) == told
        assert code(bo.try_post("/data-uses/00ff/opening", {})) == (404, "unknown_id")
        assert code(bo.try_post(path, {"passphrase": 1}))[0] == 422
    with calling(lanxi.ana.path) as ana:
        assert code(ana.try_post(path, {})) == (403, "not_for_this_device")
    with calling(lanxi.bo.path, "read") as reader:
        assert code(reader.try_post(path, {})) == (403, "scope_too_small")


def test_what_is_not_what_the_record_names_is_not_given(
    lanxi: Archivists, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = lanxi.granted_use()
    hand_over(lanxi.mei)
    lanxi.meet()
    monkeypatch.setattr(data_content, "content_hash", lambda *_: bytes(32))
    with calling(lanxi.bo.path) as bo:
        refused = code(bo.try_post(f"/data-uses/{use.hex()}/opening", {}))
    assert refused == (422, "unfit_content")
