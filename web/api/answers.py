"""What the API answers with: values as `plain` writes them, and errors in one shape."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from commonweal.client.language.plain import plain
from commonweal.client.language.words import N_, Words, words_in
from commonweal.protocol import errors
from commonweal.protocol.errors import CommonwealError, UsageError
from commonweal.web.pages.language import accepted

log = logging.getLogger(__name__)

JSON = "application/json"

STATUSES: tuple[tuple[type[CommonwealError], int], ...] = (
    (errors.UnknownId, 404),
    (errors.KeyTaken, 409),
    (errors.EvidenceTooLarge, 413),
    (errors.QuestionTooLong, 422),
    (errors.UsageError, 400),
    (errors.UnreadableWords, 422),
    (errors.WouldNotCount, 422),
    (errors.NotWithdrawn, 409),
    (errors.DeviceFrozen, 409),
    (errors.NotPermitted, 403),
    (errors.WrongPassphrase, 403),
    (errors.PassphraseNeeded, 403),
    (errors.OverBudget, 429),
    (errors.TooManyKeys, 429),
    (errors.NotYet, 409),
    (errors.NotInCommunity, 409),
    (errors.FinalityForked, 409),
    (errors.BadRuleset, 422),
    (errors.RuleError, 422),
    (errors.InvalidRecord, 422),
    (errors.NotForThisDevice, 403),
    (errors.UnfitContent, 422),
    (errors.Malformed, 422),
)
"""The status of an error: that of the first class here which it is of; else UNAVAILABLE."""
UNAVAILABLE = 503
"""The node, the disk or the home cannot do it now."""

OF_HTTP = {
    400: ("unreadable_request", N_("The body is no JSON.")),
    401: ("unauthorized", N_("Give a token that holds: Authorization: Bearer weal_...")),
    403: ("scope_too_small", N_("This token does not allow that.")),
    404: ("no_such_path", N_("The API has nothing at this path.")),
    405: ("method_not_allowed", N_("This path does not answer this method.")),
    408: ("too_slow", N_("The body took too long to arrive.")),
    413: ("too_large", N_("The body is larger than the API takes.")),
    500: ("broken", N_("Something went wrong in the API itself. What was recorded is not lost.")),
}
"""Code and sentence of what is refused before the member is asked."""
UNREADABLE = N_("The request does not fit the OpenAPI document.")


class ErrorDetail(BaseModel):
    """What went wrong. code: for programs. message, hint: for people, in their language."""

    code: str = Field(pattern="^[a-z_]+$")
    message: str
    hint: str | None = Field(description="Where, or what of it; null where there is no more to say")


class ErrorAnswer(BaseModel):
    """The one shape of all errors."""

    error: ErrorDetail


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """Return a value of the client as JSON."""
    text = json.dumps(plain(value), ensure_ascii=False, sort_keys=True)
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, JSON)


def failure(status: int, code: str, message: str, hint: str | None = None) -> Response:
    """Return an error."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    detail = ErrorDetail(code=code, message=message, hint=hint)
    return answer(ErrorAnswer(error=detail).model_dump(), status, **headers)


def refusal(status: int, words: Words) -> Response:
    """Return what is refused before the member is asked. status: of OF_HTTP."""
    code, sentence = OF_HTTP[status]
    return failure(status, code, words(sentence))


def of_the_gate(request: Request, status: int, reason: str) -> Response:
    """Return what the gate before the API refuses. reason: a sentence, not translated yet."""
    return failure(status, "wrong_host", words_for(request)(reason))


def words_for(request: Request) -> Words:
    """Return the words that a request asks for by Accept-Language, else English."""
    return words_in(*accepted(request.headers.get("accept-language", "")))


def status_of(error: CommonwealError) -> int:
    """Return the status with which an error is answered."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), UNAVAILABLE)


def code_of(kind: type[CommonwealError]) -> str:
    """Return the code of an error: the name of its class in lower case, with underscores."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def handle_errors(api: FastAPI) -> None:
    """Let every error of an application have the one shape."""
    api.add_exception_handler(CommonwealError, _refused)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _unreadable)
    api.add_exception_handler(Exception, _broken)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, CommonwealError)
    sentence, detail = words_for(request).error(error), str(error)
    if type(error) is UsageError and detail:  # its own sentence speaks of what is typed
        sentence, detail = detail, ""
    return failure(status_of(error), code_of(type(error)), sentence, detail or None)


async def _http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return refusal(status if status in OF_HTTP else 404, words_for(request))


async def _unreadable(request: Request, error: Exception) -> Response:
    """Name the first thing that does not fit; the sentence after it is pydantic's."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = words_for(request)(UNREADABLE)
    return failure(422, "unreadable_request", message, f"{place}: {first['msg']}")


async def _broken(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return refusal(500, words_for(request))
