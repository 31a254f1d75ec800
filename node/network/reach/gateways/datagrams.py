"""One question and its answer over UDP, as PCP and NAT-PMP have them.

The socket is connected, so the kernel drops what comes from any address but the gateway's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import trio

from commonweal.node.network.reach.gateways.gateway_client import GatewaySilent, Route

PORT: Final = 5351
"""Of gateways that speak PCP or NAT-PMP."""
ANSWER_BYTES_MAX: Final = 1_100
"""The largest message of PCP (RFC 6887, section 7)."""
PAUSES_S: Final = (0.25, 0.5, 1.0, 2.0)
"""Seconds after each sending until the next. RFC 6886 doubles from 250 ms on, too, up to nine
times; a router in the same room needs no minute."""
ANSWERS_READ_MAX: Final = 64
"""Datagrams that are read for one question; what is no answer to it is passed over."""

T = TypeVar("T")


async def exchange(
    route: Route, question: bytes, read: Callable[[bytes], T | None], port: int = PORT
) -> T:
    """Return what `read` makes of the first answer; it returns None for what is no answer.

    Raises GatewaySilent, and what `read` raises.
    """
    try:
        with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as socket:
            await socket.bind((route.own, 0))
            await socket.connect((route.gateway, port))
            left = ANSWERS_READ_MAX
            for pause_s in PAUSES_S:
                await socket.send(question)
                with trio.move_on_after(pause_s):
                    while left:
                        left -= 1
                        answer = await socket.recv(ANSWER_BYTES_MAX + 1)
                        if len(answer) > ANSWER_BYTES_MAX:
                            continue
                        if (understood := read(answer)) is not None:
                            return understood
                    await trio.sleep_forever()
    except OSError as error:
        raise GatewaySilent(f"{route.gateway}: {error.strerror}") from error
    raise GatewaySilent(f"{route.gateway}: no answer")
