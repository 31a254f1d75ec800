"""The contents of a seal: computed from an advance, and compared with the seal that was
received.
"""

from __future__ import annotations

from dataclasses import fields, replace

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import short
from commonweal.protocol.ledger.checkpoint.roots import Roots
from commonweal.protocol.ledger.finality.history import AdvanceOutcome
from commonweal.protocol.ledger.governance.witness_set import GUILTY
from commonweal.protocol.ledger.members.forks import is_new
from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.ledger.state.evidence import Misbehaviour, evidence_of
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.formats import Seal
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.seal.witnesses import witness_set_root


def seal_of(community: CommunityId, outcome: AdvanceOutcome, roots: Roots) -> Seal:
    """Return the seal that makes the outcome of an advance final."""
    cut, advance = outcome.advance.cut, outcome.advance
    evidence = evidence_of(community, Misbehaviour(advance.ends, advance.equivocators))
    return Seal(
        *(community, cut.height, SealId(cut.prev), FOLD, cut.root, cut.clock, cut.time_ms),
        *(outcome.ruleset, evidence, witness_set_root(outcome.witnesses)),
        *(roots.members, roots.state, roots.distribution),
    )


def check_same(computed: Seal, seal: Seal) -> None:
    """Raise `InvalidSeal`, naming the field that differs, unless a seal is the one
    computed here.

    Of a seal of an older fold the state root is not compared, since the layout of that state is not
    computed any more: its certificate alone speaks for that root.
    """
    if seal.fold < computed.fold:
        computed = replace(computed, fold=seal.fold, state_root=seal.state_root)
    for field in fields(Seal):
        if getattr(computed, field.name) != getattr(seal, field.name):
            name = field.name.replace("_", " ")
            raise InvalidSeal(f"seal {short(seal.id)} has another {name} than is computed here")


def check_new(final: State, misbehaviour: Misbehaviour) -> None:
    """Raise `InvalidSeal` when evidence names what took effect before, or one log twice."""
    known = dict.fromkeys(author for author, _ in misbehaviour.ends)
    if len(known) < len(misbehaviour.ends):
        raise InvalidSeal("its evidence ends a log twice")
    for author, seq in misbehaviour.ends:
        if not is_new(final, author, seq):
            raise InvalidSeal(f"the log of {short(author)} has ended before")
    for device in misbehaviour.equivocators:
        if final.get(GUILTY + device) is not None:
            raise InvalidSeal(f"{short(device)} is convicted already")
