"""What tests/vectors/refused.json holds is refused, by this program and by a second reader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.identity import invite
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records import record
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal import votes
from commonweal.protocol.wire import frame_codec, hello, messages
from tests.protocol import reader, refusals
from tests.protocol.reader import Refused

KEPT: dict[str, Any] = json.loads(refusals.FILE.read_text("utf-8"))
COMMUNITY = CommunityId(bytes.fromhex(KEPT["community"]))
SENDER, RECEIVER = (PeerKey(bytes.fromhex(KEPT[name])) for name in ("sender", "receiver"))


def test_the_file_is_made_anew() -> None:
    assert refusals.vectors() == KEPT


@pytest.mark.parametrize("data", KEPT["values"].values(), ids=KEPT["values"])
def test_no_value(data: str) -> None:
    with pytest.raises(CommonwealError):
        codec.decode(bytes.fromhex(data))
    with pytest.raises(Refused):
        reader.value(bytes.fromhex(data))


@pytest.mark.parametrize("data", KEPT["frames"].values(), ids=KEPT["frames"])
def test_no_message(data: str) -> None:
    with pytest.raises(CommonwealError):
        frame_codec.decode(bytes.fromhex(data))


@pytest.mark.parametrize("data", KEPT["records"].values(), ids=KEPT["records"])
def test_no_record(data: str) -> None:
    with pytest.raises(CommonwealError):
        record.from_bytes(bytes.fromhex(data))
    with pytest.raises((Refused, KeyError)):
        reader.need(reader.record(bytes.fromhex(data))["signed"], "a bad signature")


@pytest.mark.parametrize("text", KEPT["links"].values(), ids=KEPT["links"])
def test_no_link(text: str) -> None:
    with pytest.raises(CommonwealError):
        invite.from_text(text)


@pytest.mark.parametrize("data", KEPT["hellos"].values(), ids=KEPT["hellos"])
def test_no_hello(data: str) -> None:
    message = frame_codec.decode(bytes.fromhex(data))
    assert isinstance(message, messages.Hello)
    with pytest.raises(CommonwealError):
        hello.decrypt(message, COMMUNITY, SENDER, RECEIVER)


@pytest.mark.parametrize("data", KEPT["certificates"].values(), ids=KEPT["certificates"])
def test_no_certificate(data: str) -> None:
    devices = [DeviceKey(bytes.fromhex(one)) for one in KEPT["witnesses"]]
    with pytest.raises(CommonwealError):
        certificate = votes.certificate_from_bytes(bytes.fromhex(data))
        votes.check_certificate(certificate, COMMUNITY, devices)
