"""The first call of the API, for which it is made, and the document of all calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from commonweal.storage.home.home import Home
from commonweal.web import application
from commonweal.web.api.application import create_api
from commonweal.web.security.gate import API
from tests.builders.api_calls import Caller, calling


def is_on_the_loop() -> bool:
    """Whether nothing else is answered while this runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def test_it_is_made_once_and_others_are_answered_meanwhile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    def create(given: Home) -> Any:
        made.append(is_on_the_loop())
        return create_api(given)

    monkeypatch.setattr(application, "_api", create)
    with calling(home) as caller:
        answers = [caller.client.get(f"{API}/members") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert made == [False]


def test_two_first_calls_at_once_make_it_once() -> None:
    made: list[int] = []

    def create() -> Any:
        made.append(len(made))

        async def answer(*_: Any) -> None:
            pass

        return answer

    async def call_twice() -> None:
        later: Any = application._later(create)
        await asyncio.gather(later({}, None, None), later({}, None, None))

    asyncio.run(call_twice())
    assert made == [0]


def test_others_are_answered_while_the_document_is_written(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bool] = []

    def document(_: FastAPI) -> dict[str, str]:
        written.append(is_on_the_loop())
        return {"openapi": "of this test"}

    monkeypatch.setattr(FastAPI, "openapi", document)
    assert caller.client.get(f"{API}/openapi.json").json() == {"openapi": "of this test"}
    assert written == [False]
