"""Messages of witnesses and stored locks as bytes, each with its kind in front.

Used for gossip, sync and disk alike: what is read here has valid form, limits and signatures.
Whether a sender is a witness is checked by the caller, who knows the set.
"""

from __future__ import annotations

from typing import assert_never

from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.consensus.events import Lock, Message
from commonweal.protocol.seal.field_checks import is_ascending
from commonweal.protocol.seal.formats import (
    PROPOSAL_BYTES_MAX,
    Proposal,
    proposal_from_bytes,
    proposal_to_bytes,
)
from commonweal.protocol.seal.have_frontiers import HaveFrontier, have_from_bytes, have_to_bytes
from commonweal.protocol.seal.quorum import WITNESSES_MAX
from commonweal.protocol.seal.votes import (
    Certificate,
    Step,
    Vote,
    certificate_from_bytes,
    certificate_to_bytes,
    read_vote,
    vote_fields,
    vote_from_bytes,
    vote_to_bytes,
)

MESSAGE_BYTES_MAX = PROPOSAL_BYTES_MAX + 32

_PROPOSAL = codec.encode(["proposal", None])[:-1]
"""The first bytes of every proposal."""


def message_to_bytes(message: Message) -> bytes:
    """Return the bytes of `message` as sent."""
    match message:
        case Vote():
            return codec.encode(["vote", vote_to_bytes(message)])
        case Proposal():
            return codec.encode(["proposal", proposal_to_bytes(message)])
        case HaveFrontier():
            return codec.encode(["have", have_to_bytes(message)])
        case Certificate():
            return codec.encode(["certificate", certificate_to_bytes(message)])
        case _:
            assert_never(message)


def message_from_bytes(data: bytes, community: CommunityId) -> Message:
    """Return the message in `data`, verified; the signatures of a certificate are not checked.

    Raises `Malformed` or `BadSignature`.
    """
    if len(data) > MESSAGE_BYTES_MAX:
        raise Malformed(f"a message of {len(data)} bytes")
    match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
        case ["vote", bytes(inner)]:
            return vote_from_bytes(inner, community)
        case ["proposal", bytes(inner)]:
            return proposal_from_bytes(inner, community)
        case ["have", bytes(inner)]:
            return have_from_bytes(inner, community)
        case ["certificate", bytes(inner)]:
            return certificate_from_bytes(inner)
        case _:
            raise Malformed("not a message of witnesses")


def gossip_from_bytes(data: bytes, community: CommunityId) -> Vote | HaveFrontier | Certificate:
    """Return the message in `data` as `message_from_bytes` does; a proposal is refused.

    Proposals are large and travel over streams only. Raises `Malformed` or `BadSignature`.
    """
    if data.startswith(_PROPOSAL):
        raise Malformed("a proposal travels over streams alone")
    message = message_from_bytes(data, community)
    assert not isinstance(message, Proposal), "a canonical proposal begins with its name"
    return message


def lock_to_bytes(lock: Lock) -> bytes:
    """Return the bytes of a lock, as a witness stores it."""
    votes: list[codec.Value] = [vote_fields(vote) for vote in lock.polka]
    return codec.encode([proposal_to_bytes(lock.proposal), votes])


def lock_from_bytes(data: bytes, community: CommunityId) -> Lock:
    """Return the lock in `data`, verified. Raises `Malformed` or `BadSignature`."""
    match codec.decode(data):
        case [bytes(inner), list(votes)] if 0 < len(votes) <= WITNESSES_MAX:
            proposal = proposal_from_bytes(inner, community)
            polka = tuple(read_vote(vote, community) for vote in votes)
            place = (proposal.seal.height, Step.PREVOTE, proposal.seal.id, polka[0].round)
            same = all((vote.height, vote.step, vote.seal, vote.round) == place for vote in polka)
            if same and is_ascending([vote.device for vote in polka]):
                return Lock(proposal, polka)
    raise Malformed("not the lock of a witness")
