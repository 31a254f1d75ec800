"""One call of the API: whose token it is, the member who is asked, and what is written once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from commonweal.client.keep.access_tokens import AccessTokens
from commonweal.client.member import Member
from commonweal.storage.home.tokens import KeptToken
from commonweal.web.api.answers import answer, words_for
from commonweal.web.api.models import HexText

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

KEY_CHARS_MAX = 200
ANSWERS_MAX = 1000
"""Answers to writes that are kept in memory, to be given again."""
PASSPHRASE_CHARS_MAX = 1024

_bearer = HTTPBearer(auto_error=False, description="Made by `weal token create`.")


class Body(BaseModel):
    """What is sent with a write. Unknown fields are refused: they would be lost unseen."""

    model_config = ConfigDict(extra="forbid")


class GraveBody(Body):
    """What is sent with a grave write."""

    passphrase: str | None = Field(
        default=None,
        max_length=PASSPHRASE_CHARS_MAX,
        description="Of the keystore; null where it has none.",
    )


class WrittenRecordAnswer(BaseModel):
    """A record that was written: its id, and its number in the log of this device."""

    id: HexText
    seq: int


class RepeatedWrite(WrittenRecordAnswer):
    """What a write that is asked again did, where the server that answered it is gone.

    id, seq: of the last record; records: all of them, in their order.
    """

    records: list[WrittenRecordAnswer]


class KeptAnswers:
    """The last answers to writes, by token and key, until this process ends."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, bytes], Response] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str, request: bytes) -> Response | None:
        """Return the answer to the same request under the same key."""
        with self._lock:
            return self._kept.get((key, request))

    def keep(self, key: str, request: bytes, given: Response) -> None:
        """Keep an answer, and forget the oldest beyond ANSWERS_MAX."""
        with self._lock:
            self._kept[key, request] = given
            while len(self._kept) > ANSWERS_MAX:
                self._kept.popitem(last=False)


def allowed(
    scope: str,
) -> Callable[[Request, HTTPAuthorizationCredentials | None], KeptToken]:
    """Return what gives the token of a call. Raises 401 without one, 403 for a smaller scope."""

    def token(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> KeptToken:
        with AccessTokens(request.app.state.home) as tokens:
            kept = None if given is None else tokens.token_allows(given.credentials)
        if kept is None:
            raise HTTPException(401)
        if not kept.allows(scope):
            raise HTTPException(403)
        return kept

    return token


def _reader(
    request: Request, _token: Annotated[KeptToken, Depends(allowed("read"))]
) -> Iterator[Member]:
    language = words_for(request).language
    with Member(request.app.state.home, language=language) as member:
        yield member


Reader = Annotated[Member, Depends(_reader)]
"""The member of a home, to read."""


class MemberWrites:
    """Writes for the member of a home, once for each key."""

    def __init__(self, request: Request, token: KeptToken, key: str) -> None:
        self._request, self._key = request, f"api {token.id} {key}"

    def __call__(
        self, act: Callable[[Member], Any], body: BaseModel | None = None, *, status: int = 201
    ) -> Response:
        """Answer with what `act` returns; with what it wrote then where it is asked again.

        body: what was sent; another one under the same key is refused.
        """
        state, asked = self._request.app.state, _asked(self._request, body)
        if kept := state.answers.find(self._key, asked):
            return _again(kept)
        is_grave = isinstance(body, GraveBody)
        passphrase = body.passphrase if isinstance(body, GraveBody) else None
        language = words_for(self._request).language
        with Member(state.home, language=language, passphrase=passphrase) as member:
            if is_grave:
                member.check_passphrase()
            done = member.once(self._key, asked, lambda: act(member))
        if done.earlier:
            last = done.earlier[-1]
            return _again(answer({"id": last.id, "seq": last.seq, "records": done.earlier}))
        given = answer(done.answer, status)
        if not is_grave:
            state.answers.keep(self._key, asked, given)
        return given


def _asked(request: Request, body: BaseModel | None) -> bytes:
    """Return what is asked as bytes. Without the passphrase: a hash of them is kept."""
    sent = "" if body is None else body.model_dump_json(exclude={"passphrase"})
    return f"{request.method} {request.url.path}\n{sent}".encode("utf-8", "backslashreplace")


def _again(given: Response) -> Response:
    headers = {"Idempotency-Replayed": "true"}
    return Response(given.body, given.status_code, headers, given.media_type)


KeyHeader = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=rf"^[!-~]{{1,{KEY_CHARS_MAX}}}$",
        description="A new one for each request; the same one to repeat it.",
    ),
]


def _writes(
    request: Request, token: Annotated[KeptToken, Depends(allowed("write"))], key: KeyHeader
) -> MemberWrites:
    return MemberWrites(request, token, key)


def _grave_writes(
    request: Request, token: Annotated[KeptToken, Depends(allowed("grave"))], key: KeyHeader
) -> MemberWrites:
    return MemberWrites(request, token, key)


Writes = Annotated[MemberWrites, Depends(_writes)]
"""By which a call writes; it needs a token of scope write, and a key."""
GraveWrites = Annotated[MemberWrites, Depends(_grave_writes)]
"""By which a call writes what cannot be undone; it needs a token of scope grave, and a key."""


class SubjectRouter(APIRouter):
    """Calls of one subject, each with the schema of its answer."""

    def reads(self, path: str, model: Any) -> Decorator:
        """Let a function answer GET; what it returns is sent as `plain` writes it."""
        return self._answers("GET", path, model)

    def asks(self, path: str, model: Any) -> Decorator:
        """Let a function answer POST that writes nothing: a question too long for an address."""
        return self._answers("POST", path, model)

    def writes(self, path: str, model: Any) -> Decorator:
        """Let a function answer POST; it returns what `Writes` answered."""
        responses: dict[int | str, dict[str, Any]] = {
            201: {"model": model},
            200: {"model": RepeatedWrite, "description": "It was written before."},
        }
        return self.post(path, status_code=201, response_model=None, responses=responses)

    def _answers(self, method: str, path: str, model: Any) -> Decorator:
        def decorate(asked: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(asked)
            def answering(*values: Any, **named: Any) -> Response:
                return answer(asked(*values, **named))

            responses: dict[int | str, dict[str, Any]] = {200: {"model": model}}
            route = self.api_route(path, methods=[method], response_model=None, responses=responses)
            route(answering)
            return asked

        return decorate
