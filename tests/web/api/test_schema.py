"""schemathesis asks the API of a home whose node runs whatever its document allows, and more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
from httpx2 import Response
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks

from commonweal.client import Member
from commonweal.storage.home.home import Home
from commonweal.web.api.application import create_api
from tests.builders.api_calls import API, Caller, calling
from tests.web.api.village import Village

EXAMPLES = 4
CHECKED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
DOCUMENT: dict[str, Any] = create_api(Home("")).openapi()
ASKED = settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = [(path, method) for path, ways in DOCUMENT["paths"].items() for method in ways]

BOUNDED = [
    (path, method)
    for path, method in OPERATIONS
    if DOCUMENT["paths"][path][method].keys() & {"parameters", "requestBody"}
]
"""Those that can be asked what the document does not allow."""


@pytest.fixture(scope="module")
def caller(village: Village, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Give a caller of a copy of Mei's home, whose node runs."""
    copy = village.lanxi.copies(tmp_path_factory)()
    with Member(copy.mei) as mei:
        mei.start_node(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)
        with calling(copy.mei.path) as caller:
            yield caller
        mei.stop_node()


def test_the_document_needs_no_token_and_says_where_it_is(caller: Caller) -> None:
    told = caller.client.get(f"{API}/openapi.json").json()
    assert told["paths"].keys() == DOCUMENT["paths"].keys()
    assert told["servers"] == [{"url": API}]


def test_every_call_asks_for_a_token() -> None:
    for path, method in OPERATIONS:
        operation = DOCUMENT["paths"][path][method]
        assert operation["security"] == [{"HTTPBearer": []}], path
        assert {"401", "403", "422", "503"} <= operation["responses"].keys()


def test_every_write_asks_for_a_key() -> None:
    for path, method in OPERATIONS:
        operation = DOCUMENT["paths"][path][method]
        headers = [p["name"] for p in operation.get("parameters", []) if p["in"] == "header"]
        is_write = "201" in operation["responses"]
        assert headers == (["Idempotency-Key"] if is_write else []), path
        assert is_write or method == "get" or "200" in operation["responses"]


def test_nothing_in_the_document_is_of_elsewhere() -> None:
    text = json.dumps(DOCUMENT)
    assert "http://" not in text and "https://" not in text


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_api_answers_as_its_document_says(
    caller: Caller, village: Village, path: str, method: str
) -> None:
    operation: Any = schemathesis.openapi.from_dict(DOCUMENT)[path][method.upper()]
    known = [id for id in vars(village).values() if isinstance(id, str) and len(id) == 64]
    numbers = count()

    @ASKED
    @given(case=operation.as_strategy())
    def asks(case: Any) -> None:
        number = next(numbers)
        if "id" in (case.path_parameters or {}) and number % 2:
            case.path_parameters["id"] = known[number % len(known)]
        is_own_key = "Idempotency-Key" in (case.headers or {}) and number % 3
        keys = {"Idempotency-Key": f"{method}-{path}-{number}"} if is_own_key else {}
        answered = sent(caller, case, keys)
        case.validate_response(answered, checks=CHECKED)

    asks()
    assert next(numbers) >= 1


@pytest.mark.parametrize(("path", "method"), BOUNDED)
def test_what_the_document_does_not_allow_is_refused_in_the_same_shape(
    caller: Caller, path: str, method: str
) -> None:
    operation: Any = schemathesis.openapi.from_dict(DOCUMENT)[path][method.upper()]

    @settings(ASKED, max_examples=2)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def asks(case: Any) -> None:
        answered = sent(caller, case, {})
        case.validate_response(answered, checks=CHECKED)

    asks()


def sent(caller: Caller, case: Any, keys: dict[str, str]) -> Response:
    """Return what is answered to a case, asked with a token that holds."""
    is_raw = isinstance(case.body, bytes)
    content = case.body if is_raw else json.loads(json.dumps(case.body, default=str))
    return caller.client.request(
        case.method,
        f"{API}{case.formatted_path}",
        params=case.query or None,
        headers=dict(case.headers or {}) | caller.headers | keys,
        **({} if not case.media_type else {"content": content} if is_raw else {"json": content}),
    )
