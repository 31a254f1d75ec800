"""Deadlines: when a seal is due although nobody writes, from final state alone."""

from __future__ import annotations

from collections.abc import Iterator

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.governance import active_ruleset, giving_rounds
from commonweal.protocol.ledger.governance.enactment import REST, VALUED_BY
from commonweal.protocol.ledger.governance.proposals import OPEN, TRIAL, VOTING, proposal_row
from commonweal.protocol.ledger.sharing import distribution
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.time_jumps import LAST
from commonweal.protocol.ledger.ventures.campaigns import deadline
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.rules.document import Ruleset


def next_deadline(
    final: State, cut: CutHeader, ruleset: Ruleset, community: CommunityId
) -> int | None:
    """Return the earliest deadline (ms) after the last seal; None without one.

    final: the state at `cut`, the last one. ruleset: in force since. Deadlines are the ends of
    votes, trials, rulesets, giving rounds, projects and campaigns, when rounds open, when the time
    ends to review or to open what waits, and pools that hold something and are due; and the next
    millisecond, when new rules value or pay what the old ones left, or when votes, rounds,
    projects, campaigns or reviews are still open that a full cut did not close. Whatever else the
    last seal passed is no deadline: another seal would do nothing more. While the time of the last
    seal is in doubt, all of them wait until that is resolved.
    """
    doubt = time_jumps.last_jump(final).doubtful_until_ms(cut.time_ms)
    due = (max(at_ms, doubt) for at_ms in _deadlines(final, ruleset, cut))
    later = [at_ms for at_ms in due if at_ms > cut.time_ms]
    if _pays_at_once(final, cut, ruleset, community):
        later.append(cut.time_ms + 1)
    return min(later, default=None)


def _deadlines(final: State, ruleset: Ruleset, cut: CutHeader) -> Iterator[int]:
    row = active_ruleset.active_row(final)
    if row is not None and row.until_ms:
        yield row.until_ms
    for key, _ in final.items(OPEN):
        proposal = proposal_row(final, key[1:])
        if proposal is not None and proposal.status == VOTING:
            yield max(proposal.deadline_ms, cut.time_ms + 1)
        elif proposal is not None and proposal.status == TRIAL:
            yield proposal.until_ms
    yield from giving_rounds.deadlines(final, cut.time_ms, ruleset)
    yield from projects.deadlines(final, cut.time_ms)
    yield from completion.deadlines(final, cut.time_ms)
    yield from deadline.deadlines(final, cut.time_ms)
    held = pools.pools(final)
    for pool in ruleset.pools:
        balance = held.get(pools.pool_id(pool))
        if (
            balance is not None
            and balance.carried > 0
            and not giving_rounds.is_waiting(final, pool)
        ):
            yield balance.split_ms + pool.every_ms


def _pays_at_once(final: State, cut: CutHeader, ruleset: Ruleset, community: CommunityId) -> bool:
    """Return whether rules that came into force with the last seal change what is valued or paid.

    Also true while more waits than the last seal looked at; each seal gets further.
    """
    if final.get(REST) is not None:
        return True
    if not cut.height or final.get(VALUED_BY) == ruleset.id:
        return False
    over = State(final)
    distribution.share(over, CutHeader(cut.height + 1, cut.time_ms + 1), ruleset, community)
    return over.get(REST) is not None or any(key[:1] != LAST for key, _ in over.changes())
