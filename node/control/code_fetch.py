"""The code client: fetches the link that a join code stands for from the node at its address."""

from __future__ import annotations

import os

import trio

from commonweal.node.network import code_stream
from commonweal.protocol.identity import join_code
from commonweal.protocol.identity.join_code import JoinCode
from commonweal.protocol.keys import SEED_BYTES


def fetch_link(code: JoinCode) -> str:
    """Return the link that a code stands for; this process shows a key that it uses only once.

    Raises NotReachable when no node answers there, and NotPermitted when it does not know the code.
    """
    keys, seed = join_code.keys_of(code.secret), os.urandom(SEED_BYTES)
    return trio.run(code_stream.fetch, code, keys, seed)
