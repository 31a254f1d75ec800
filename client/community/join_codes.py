"""Join codes: offered by a running node in place of a link, and turned into that link."""

from __future__ import annotations

import os

from commonweal.client.community.dialled_addresses import is_dialled
from commonweal.client.home.node_client import ask_if_running
from commonweal.client.home.submit import now_ms
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import BadLink, NotPermitted
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity import join_code
from commonweal.protocol.identity.invite import CommunityLink
from commonweal.protocol.identity.join_code import JoinCode
from commonweal.storage.home.home import Home

CODE_MS_MAX = 24 * 3600 * 1000
"""A code ends after a day, or with its invite, or with the process of the node."""


def offered_code(home: Home, link: CommunityLink, until_ms: int) -> str | None:
    """Let the running node give a link to who knows a code; return the code.

    None when no node runs, or it has no address of its own that is a number.
    """
    from commonweal.node.control.messages.control import HoldCode

    address = next(filter(is_dialled, link.contacts[0].addresses), None)
    if address is None or home.holder() is None:
        return None
    code = JoinCode(address, os.urandom(join_code.SECRET_BYTES))
    keys = join_code.keys_of(code.secret)
    until_ms = min(until_ms, now_ms() + CODE_MS_MAX)
    held = ask_if_running(home, HoldCode(keys.ask, keys.answer, links.to_text(link), until_ms))
    return None if held is None else join_code.to_text(code)


def check(text: str) -> None:
    """Raise BadLink where a typed text is neither a link nor a code; nothing is dialled."""
    if join_code.is_link(text):
        links.from_text(text)
    else:
        join_code.from_text(text)


def link_of(text: str, words: Words = ENGLISH) -> CommunityLink:
    """Return the link in a typed text, or the one that its code stands for.

    The node at the address of a code is asked. Raises BadLink, NotReachable, and NotPermitted
    where that node does not know the code.
    """
    if join_code.is_link(text):
        return links.from_text(text)
    from commonweal.node.control.code_fetch import fetch_link

    code = join_code.from_text(text)
    if not is_dialled(code.address):
        raise BadLink(words("the code names no address that can be dialled"))
    try:
        return links.from_text(fetch_link(code))
    except NotPermitted as error:
        raise NotPermitted(
            words(
                "the node at {address} does not know this code: it ended, or that node was"
                " started again; ask for another, or for the link"
            ).format(address=code.address)
        ) from error
