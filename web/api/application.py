"""The application of the HTTP API, mounted at /api/v1 beside the page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from commonweal import __version__
from commonweal.storage.home.home import Home
from commonweal.web.api.answers import ErrorAnswer, handle_errors
from commonweal.web.api.bodies import BoundedBodies
from commonweal.web.api.calls import KeptAnswers
from commonweal.web.api.routes import (
    contributions,
    decisions,
    grave,
    members,
    plans,
    shares,
    state,
    things,
)
from commonweal.web.api.routes.exchange import (
    bookings,
    consents,
    credit,
    data,
    deals,
    market,
    matches,
    promotion,
    reviews,
)
from commonweal.web.api.routes.ventures import campaigns, projects
from commonweal.web.security.gate import API

SUBJECTS = (
    *(state, contributions, members, shares, decisions, things, plans),
    *(market, matches, deals, credit, bookings, consents, data, promotion),
    *(reviews, campaigns, projects, grave),
)
DESCRIPTION = """What a member reads and does, for other programs: the values of `weal ... -o json`.

Every call names a token that `weal token create` made. Every write has an `Idempotency-Key`: asked
again with the same key, it writes nothing more and gives the same answer. Long lists come in
parts: `next` is the cursor of the rest."""
DOCUMENT = "/openapi.json"
"""Where the calls are described. To write the description takes a second, so a thread does it."""
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "It cannot be done as it was asked."},
    401: {"description": "No token, or one that holds no more."},
    403: {"description": "The token or the rules do not allow it, or the passphrase is wrong."},
    404: {"description": "Nothing here has this name or id."},
    409: {"description": "Not as things stand now; or the key was used for another request."},
    413: {"description": "More than the API takes at once."},
    422: {"description": "It does not fit this document, or would count for nothing."},
    429: {"description": "Too much for now."},
    503: {"description": "The node, the disk or the home cannot do it now."},
}


def create_api(home: Home) -> FastAPI:
    """Return what answers other programs. The gate before it has checked the host."""
    answers = {status: about | {"model": ErrorAnswer} for status, about in ERRORS.items()}
    api = FastAPI(
        title="Commonweal",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": API}],
        responses=answers,
    )
    api.state.home, api.state.answers = home, KeptAnswers()
    for subject in SUBJECTS:
        api.include_router(subject.router)
    api.add_api_route(DOCUMENT, lambda: JSONResponse(api.openapi()), include_in_schema=False)
    handle_errors(api)
    api.add_middleware(BoundedBodies)
    return api
