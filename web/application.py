"""The application of a home's page: its gate, its pages, its files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException, RequestValidationError
from starlette.types import Receive, Scope, Send

from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home.home import Home
from commonweal.web.live import stream
from commonweal.web.live.hub import LiveHub
from commonweal.web.pages import assets, entry, failures, settings
from commonweal.web.pages.begin import welcome
from commonweal.web.pages.begin.newcomer import Newcomer
from commonweal.web.pages.books import data, ledger, things, why
from commonweal.web.pages.daily import attest, give, sheet, today
from commonweal.web.pages.decide import rule_changes, rules, votes
from commonweal.web.pages.decide.replays import Replays
from commonweal.web.pages.exchange import balance, deal_terms, deals, market, promotion
from commonweal.web.pages.exchange.lending import book, calendar, calendar_address, loan_terms
from commonweal.web.pages.node import invite, node
from commonweal.web.pages.owned import consents, contents
from commonweal.web.pages.people import keys, people
from commonweal.web.pages.request import KeysLocked, SentAgain
from commonweal.web.pages.returns import money, payments, period_reports, reports
from commonweal.web.pages.ventures import campaigns, projects
from commonweal.web.security.entry import EntryTokens
from commonweal.web.security.gate import API, Application, Gate, Refusal
from commonweal.web.security.sessions import Sessions

THREADS = 6
"""Pages that are worked out at the same time; each may hold a folded ledger."""
PAGES = (
    entry,
    stream,
    welcome,
    today,
    give,
    sheet,
    attest,
    ledger,
    why,
    things,
    data,
    consents,
    market,
    promotion,
    money,
    payments,
    balance,
    period_reports,
    reports,
    invite,
    node,
    rules,
    rule_changes,
    votes,
    deal_terms,
    deals,
    people,
    keys,
    settings,
    book,
    calendar,
    calendar_address,
    loan_terms,
    projects,
    contents,
    campaigns,
    assets,
)


def create_application(home: Path, port: int, tokens: EntryTokens) -> Application:
    """Return what answers the browser. port: where it listens. tokens: of entry."""
    inner = FastAPI(
        title="Commonweal", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_life
    )
    sessions = Sessions(home, port)
    inner.state.home = Home(home)
    inner.state.sessions, inner.state.entry = sessions, tokens
    inner.state.links = {}
    inner.state.newcomer = Newcomer(inner.state.home)
    inner.state.replays = Replays()
    inner.state.live = LiveHub(inner.state.home)
    for page in PAGES:
        inner.include_router(page.router)
    inner.add_exception_handler(CommonwealError, failures.refused)
    inner.add_exception_handler(SentAgain, failures.sent_again)
    inner.add_exception_handler(KeysLocked, failures.locked)
    inner.add_exception_handler(HTTPException, failures.missing)
    inner.add_exception_handler(404, failures.missing)
    inner.add_exception_handler(RequestValidationError, failures.missing)
    inner.add_exception_handler(Exception, failures.broken)
    inner.mount(API, _later(lambda: _api(inner.state.home)))
    return Gate(inner, port, sessions, _refuse)


def _refuse(request: Request, refusal: Refusal) -> Response:
    """Refuse a request in the form that its sender reads: a program, or a browser."""
    if request.url.path.startswith(API):
        from commonweal.web.api.answers import of_the_gate

        return of_the_gate(request, refusal.status, refusal.reason)
    return entry.refuse(request, refusal)


def _api(home: Home) -> Application:
    from commonweal.web.api.application import create_api  # its documents take 8 MiB

    return create_api(home)


def _later(create: Callable[[], Application]) -> Application:
    """Return an application that is made when it is first asked, while others are answered."""
    made: list[Application] = []
    lock = asyncio.Lock()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async with lock:
            if not made:
                made.append(await run_in_threadpool(create))
        await made[0](scope, receive, send)

    return answer


@asynccontextmanager
async def _life(application: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    async with application.state.live.running():
        yield
