"""One node as a process: from a home to a running node, and to its orderly end.

It opens what the parts need, starts them in one nursery, and ends them together: by a signal, by
`Stop`, or because one of them failed, whose error is then raised. A second signal ends the process
at once; nothing acknowledged can be lost by that. It decides nothing that a part decides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any, Protocol, TypeAlias

import trio

from commonweal.node.network import Network
from commonweal.node.runtime.config import Config
from commonweal.node.runtime.gossip_validator import Validator
from commonweal.node.runtime.join_codes import JoinCodes, OpenCode
from commonweal.node.runtime.ledger.audit_thread import AuditThread
from commonweal.node.runtime.ledger.data_releases import DataReleases
from commonweal.node.runtime.ledger.ledger_thread import LedgerThread
from commonweal.node.runtime.ledger.offer_thread import OfferThread
from commonweal.node.runtime.loop import Runtime
from commonweal.node.runtime.metrics import Metrics
from commonweal.node.runtime.ports import ReachSource
from commonweal.node.runtime.process_life import (
    end_soon,
    obey_signals,
    run_trio,
    share_memory,
    sweep,
    take_turns,
    tend_memory,
)
from commonweal.node.service.events import (
    Answer,
    Event,
    ReadStateChunk,
    Request,
    StateRequest,
)
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.protocol import keys
from commonweal.protocol.errors import HomeInUse
from commonweal.protocol.identity import invite
from commonweal.storage.home.contents import Contents
from commonweal.storage.home.home import Home, Settings, new_port
from commonweal.storage.home.keystore import Secrets
from commonweal.storage.records.logs.log_store import Store

log = logging.getLogger(__name__)

LOCK_TRIES_MAX = 4
LOCK_PAUSE_S = 0.05


class Api(Protocol):
    """What a node needs of its local API; `node.control.server.LocalServer` is the one there is."""

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started() once it listens."""

    def answer(self, action: Answer) -> None:
        """Pass an answer on, at once and without waiting."""


ApiFactory: TypeAlias = Callable[
    [
        Path,
        Callable[[Event], None],
        Callable[[], None],
        Callable[[OpenCode], None],
        ReachSource,
    ],
    Api,
]
"""Makes the local API: path of the socket, what takes each event, what ends the node, what holds a
join code, and what tells of our own addresses."""


@dataclass(frozen=True, slots=True)
class Node:
    """The parts of a node. scope: cancelled, it ends the node in order."""

    service: Service
    store: Store
    network: Network
    runtime: Runtime
    api: Api
    ledger_thread: LedgerThread
    offer_thread: OfferThread
    audit_thread: AuditThread
    metrics: Metrics | None
    scope: trio.CancelScope


@contextmanager
def opened(
    home: Home,
    secrets: Secrets,
    config: Config,
    api: ApiFactory,
    note: Callable[[Event], None] | None = None,
) -> Iterator[Node]:
    """Hold the home's lock and ledger and put the parts of its node together.

    note: called with each event before the node takes it in.
    Raises HomeInUse, NotInCommunity, and what opening a home and its ledger raises.
    """
    with _locked(home), home.store() as store:
        settings = Settings.read(store)
        community = settings.here
        if settings.port is None:
            settings = _with_port(settings, store)
        link = invite.from_text(settings.link) if settings.link else None
        peer_seed = keys.peer_seed(secrets.device_seed)
        identity = Identity.of(secrets.device_seed)
        service = Service(store, community, identity, SystemRandom(), link.invite if link else None)
        yield _assembled(home, settings, config, service, peer_seed, api, note)


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Hold the home's lock; a command that only looks at it holds it for a moment, too."""
    for left in reversed(range(LOCK_TRIES_MAX)):
        with ExitStack() as stack:
            try:
                stack.enter_context(home.lock())
            except HomeInUse:
                if not left:
                    raise
                time.sleep(LOCK_PAUSE_S)
                continue
            yield
            return


def run(
    home: Home,
    secrets: Secrets,
    config: Config,
    api: ApiFactory,
    ready: Callable[[list[str]], None],
) -> None:
    """Run the node of a home until it is told to end. ready: called once with its addresses.

    Raises what `opened` does, PortTaken, CannotListen, and what made a part fail.
    """
    share_memory()
    take_turns()
    with opened(home, secrets, config, api) as node:
        tend_memory()
        run_trio(_live, node, ready)


async def live(node: Node, ready: Callable[[list[str]], None]) -> None:
    """Run the parts of a node until its scope is cancelled, or one of them fails."""
    with node.scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(node.network.run)
            await nursery.start(node.api.run)
            if node.metrics is not None:
                await nursery.start(node.metrics.run)
            nursery.start_soon(node.runtime.run)
            nursery.start_soon(node.ledger_thread.run, node.runtime.emit)
            nursery.start_soon(node.offer_thread.run, node.runtime.emit)
            nursery.start_soon(node.audit_thread.run)
            nursery.start_soon(sweep)
            ready(list(node.network.addresses))


async def _live(node: Node, ready: Callable[[list[str]], None]) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(obey_signals, node.scope)
        await live(node, ready)
        end_soon()
        nursery.cancel_scope.cancel()
    log.info("the node ended")


def _assembled(
    home: Home,
    settings: Settings,
    config: Config,
    service: Service,
    peer_seed: bytes,
    api_factory: ApiFactory,
    note: Callable[[Event], None] | None,
) -> Node:
    def emit(event: Event) -> None:
        if note is not None:
            note(event)
        runtime.emit(event)

    store = service.core.replica.store
    scope = trio.CancelScope()
    port = settings.port or 0
    listen = config.listen or (f"/ip4/0.0.0.0/tcp/{port}", f"/ip6/::/tcp/{port}")
    validator = Validator(time.monotonic)
    codes = JoinCodes(lambda: time.time_ns() // 1_000_000, time.monotonic)
    network = Network(
        *(peer_seed, listen, emit),
        validate=validator.judge,
        mdns=config.mdns,
        announce=config.announce,
        port_mapping=config.port_mapping,
        answer_code=codes.answer,
        relay=config.relay,
        relays=config.relays,
    )
    api = api_factory(home.socket_for_binding(), emit, scope.cancel, codes.hold, network.reach)
    files = (home.database, home.state, service.core.replica.community)
    releases = DataReleases(Contents(home), settings.member)
    ledger_thread, offer_thread = LedgerThread(*files, releases), OfferThread(*files)
    audit_thread = AuditThread(*files)

    def assess(request: Request | StateRequest) -> None:
        if isinstance(request, ReadStateChunk):
            offer_thread.assess(request)
        else:
            ledger_thread.assess(request)

    runtime = Runtime(
        *(service, store, network, api.answer),
        assess=assess,
        committed=ledger_thread.committed,
        recognise=validator.recognise,
    )
    metrics = None
    if config.metrics_port:
        metrics = Metrics(config.metrics_port, _figures(service, network, runtime))
    threads = (ledger_thread, offer_thread, audit_thread)
    return Node(service, store, network, runtime, api, *threads, metrics, scope)


def _figures(
    service: Service, network: Network, runtime: Runtime
) -> Callable[[], Awaitable[dict[str, int]]]:
    async def read() -> dict[str, int]:
        return {**asdict(network.state()), **await runtime.look(service.queries.health)}

    return read


def _with_port(settings: Settings, store: Store) -> Settings:
    settings = settings._replace(port=new_port())
    settings.put(store)
    store.commit()
    return settings
