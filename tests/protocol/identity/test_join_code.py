"""Join codes: what they hold, what a slip of the pen does to them, and who can use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.errors import BadLink, NotPermitted
from commonweal.protocol.identity import join_code
from commonweal.protocol.identity.join_code import ALPHABET, CodeKeys, JoinCode
from commonweal.protocol.keys import PeerKey

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "join_code.json").read_text("utf-8")
)
KEYS = CodeKeys(b"a" * 32, b"b" * 32)
ASKER, HOST, OTHER = PeerKey(b"1" * 32), PeerKey(b"2" * 32), PeerKey(b"3" * 32)

hosts = st.one_of(
    st.ip_addresses(v=4).map(lambda ip: f"/ip4/{ip}"),
    st.ip_addresses(v=6).map(lambda ip: f"/ip6/{ip}"),
)
codes = st.builds(
    lambda host, port, secret: JoinCode(f"{host}/tcp/{port}", secret),
    hosts,
    st.integers(1, 65_535),
    st.binary(min_size=10, max_size=10),
)


@given(codes)
def test_a_code_is_read_as_it_was_written(code: JoinCode) -> None:
    assert join_code.from_text(join_code.to_text(code)) == code


def test_a_code_of_ipv4_has_28_characters_in_seven_groups() -> None:
    text = join_code.to_text(JoinCode("/ip4/192.0.2.7/tcp/4001", bytes(range(10))))
    assert [len(group) for group in text.split("-")] == [4] * 7


@given(codes)
def test_it_is_read_however_it_is_typed(code: JoinCode) -> None:
    text = join_code.to_text(code)
    assert join_code.from_text(f"  {text.lower().replace('-', ' ')} ") == code
    assert join_code.from_text(text.replace("0", "o").replace("1", "l")) == code
    assert join_code.from_text(text.replace("0", "O").replace("1", "I")) == code


def test_no_single_wrong_character_and_no_two_swapped_neighbours_pass() -> None:
    text = VECTOR["code"].replace("-", "")
    tries = 0
    for place, right in enumerate(text):
        wrong = [text[:place] + other + text[place + 1 :] for other in ALPHABET if other != right]
        if place and text[place - 1] != right:
            wrong.append(text[: place - 1] + right + text[place - 1] + text[place + 1 :])
        for typed in wrong:
            tries += 1
            with pytest.raises(BadLink, match="mistyped"):
                join_code.from_text(typed)
    assert tries > 28 * 31


@pytest.mark.parametrize(
    "typed",
    ["", "ABCD", "x" * 257, VECTOR["code"][:-1], VECTOR["code"] + "A", VECTOR["code"][:-1] + "U"],
)
def test_what_has_not_the_form_of_a_code_says_which_it_has(typed: str) -> None:
    with pytest.raises(BadLink, match="a code has 28 or 47 letters and digits"):
        join_code.from_text(typed)


def test_a_code_without_a_port_is_none() -> None:
    with pytest.raises(BadLink, match="no port"):
        join_code.from_text(join_code.to_text(JoinCode("/ip4/192.0.2.7/tcp/0", bytes(10))))


def test_an_answer_is_for_who_asked_the_host_that_answers_and_knows_the_code() -> None:
    data = join_code.answer(KEYS, "weal://x", ASKER, HOST, bytes(24))
    assert join_code.link_in(KEYS, data, ASKER, HOST) == "weal://x"
    strange = CodeKeys(KEYS.ask, b"c" * 32)
    for keys, asker, host, shown in (
        (strange, ASKER, HOST, data),
        (KEYS, OTHER, HOST, data),
        (KEYS, ASKER, OTHER, data),
        (KEYS, HOST, ASKER, data),
        (KEYS, ASKER, HOST, data[:-1]),
        (KEYS, ASKER, HOST, b""),
    ):
        with pytest.raises(NotPermitted):
            join_code.link_in(keys, shown, asker, host)


def test_a_question_is_good_on_one_connection_alone() -> None:
    asked = {
        join_code.question(keys, asker, host)
        for keys in (KEYS, CodeKeys(b"c" * 32, KEYS.answer))
        for asker, host in ((ASKER, HOST), (OTHER, HOST), (ASKER, OTHER), (HOST, ASKER))
    }
    assert len(asked) == 8


def test_the_bytes_are_those_of_the_vector() -> None:
    code = join_code.from_text(VECTOR["code"])
    assert (code.address, code.secret.hex()) == (VECTOR["address"], VECTOR["secret"])
    keys = join_code.keys_of(code.secret)
    assert (keys.ask.hex(), keys.answer.hex()) == (VECTOR["ask_key"], VECTOR["answer_key"])
    asker, host = (PeerKey(bytes.fromhex(VECTOR[name])) for name in ("asker", "host"))
    assert join_code.question(keys, asker, host).hex() == VECTOR["question"]
    nonce = bytes.fromhex(VECTOR["nonce"])
    assert join_code.answer(keys, VECTOR["link"], asker, host, nonce).hex() == VECTOR["answer"]
