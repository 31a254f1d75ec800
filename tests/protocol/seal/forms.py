"""Values of each form of seals, for tests."""

from __future__ import annotations

from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal import formats, votes
from commonweal.protocol.seal.votes import NIL, Step
from tests.protocol.seal import scenes

OTHER = CommunityId(bytes(32))


ID = scenes.seal().id


REPROPOSED = formats.sign_proposal(
    scenes.SIGNERS[scenes.DEVICES[2]],
    1,
    scenes.seal(),
    scenes.delta(3, 2),
    tuple(scenes.vote(place, Step.PREVOTE, ID) for place in (2, 0, 1)),
)


CERTIFICATE = scenes.certificate(scenes.seal())


DOUBLE = votes.prove_double_vote(
    scenes.vote(1, Step.PREVOTE, ID), scenes.vote(1, Step.PREVOTE, NIL)
)
