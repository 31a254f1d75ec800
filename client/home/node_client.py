"""Asking the running node of a home; what is loaded for it is loaded when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from commonweal.protocol.errors import NotReachable
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.node.control.client import LocalClient
    from commonweal.node.control.messages.question import Question

A = TypeVar("A")

PATIENCE_SECONDS = 30.0


def call(home: Home, *, patience_s: float | None = None) -> LocalClient:
    """Return a connection to the node of `home`. Raises NotReachable when none runs there."""
    from commonweal.node.control.client import LocalClient

    return LocalClient(home.socket_for_calling(), patience_s=patience_s or PATIENCE_SECONDS)


def ask(home: Home, question: Question[A]) -> A:
    """Return the node's answer. Raises NotReachable, or what the node answers with."""
    with call(home) as line:
        return line.ask(question)


def ask_if_running(home: Home, question: Question[A]) -> A | None:
    """Return the node's answer, None when no node runs in `home`."""
    if home.holder() is None:
        return None
    try:
        return ask(home, question)
    except NotReachable:
        return None
