"""Points at which a process that writes may be killed: `die_at` lets this one die there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.submission import Submit
from commonweal.storage.records.logs.log_store import Store

WITH_NODE = ("before it asks", "before it reads the answer", "after the answer")
ALONE = ("before the commit", "after the commit")


def die(*_args: Any, **_more: Any) -> Any:
    """End this process as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that is the last thing this process does."""

    def with_death(*args: Any, **more: Any) -> Any:
        method(*args, **more)
        return die()

    return with_death


def die_at(point: str) -> None:
    """Let this process die at a point of the next writing: of WITH_NODE, or of ALONE."""
    client: Any = LocalClient
    store: Any = Store
    match point:
        case "before it asks":
            follow = LocalClient.follow
            client.follow = lambda line, q: die() if isinstance(q, Submit) else follow(line, q)
        case "before it reads the answer":
            client.ask = _asked_and_dead(LocalClient.ask)
        case "after the answer":
            client.ask = _asked_and_dead(LocalClient.ask, reads=True)
        case "before the commit":
            store.commit = die
        case "after the commit":
            store.commit = dying_after(Store.commit)
        case _:
            raise ValueError(point)


def _asked_and_dead(ask: Callable[..., Any], *, reads: bool = False) -> Callable[..., Any]:
    """Return what asks as before, and dies when it writes, before or after it has the answer."""

    def asked(line: Any, question: Any) -> Any:
        if isinstance(question, Submit):
            if reads:
                return dying_after(ask)(line, question)
            line._read = die
        return ask(line, question)

    return asked
