"""Rules: those in force, drafts checked and compared, proposals made, and the past replayed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.governance import backtests
from commonweal.client.governance.backtests import Replay
from commonweal.client.governance.rule_concerns import rule_concerns
from commonweal.client.governance.rule_sentences import rule_sentences
from commonweal.client.governance.rule_templates import text_of_file
from commonweal.client.home.submit import WrittenRecord
from commonweal.client.language.times import read_duration_ms
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import (
    BadRuleset,
    MissingDatabase,
    NotInCommunity,
    UsageError,
    WouldNotCount,
)
from commonweal.protocol.ledger.governance import active_ruleset, proposals
from commonweal.protocol.ledger.governance.proposals import PROPOSAL
from commonweal.protocol.ledger.members import membership, roles
from commonweal.protocol.rules import document as rulesets
from commonweal.protocol.rules.changes import classes_of, differences, process_of
from commonweal.protocol.rules.document import HOUR_MS, Ruleset, RulesetId
from commonweal.protocol.rules.expression.position import Position
from commonweal.protocol.rules.faults import Problem

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.rules.process import Process


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """A ruleset, whether it is in force, and since when. sentences: (place, plain sentence)."""

    ruleset: RulesetId
    name: str
    in_force: bool
    since_height: int
    until_ms: int | None
    document: dict[str, Any]
    sentences: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that differs: where it is, and what it says now and then."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class RulesDifference:
    """What other rules would change, and how that is decided."""

    changes: tuple[RuleChange, ...]
    classes: tuple[str, ...]
    base: RulesetId
    ruleset: RulesetId
    process: Process


@dataclass(frozen=True, slots=True)
class RulesHistoryRow:
    """Rules that were in force from a height on; proposal: by which they came, None at first."""

    height: int
    ruleset: RulesetId
    proposal: bytes | None
    in_force: bool


@dataclass(frozen=True, slots=True)
class RulesCheck:
    """What is wrong with rules. unsaid: what they leave out of [membership], to the defaults.

    concerns: what the law may say of them, as sentences.
    """

    problems: tuple[Problem, ...]
    unsaid: tuple[str, ...]
    concerns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RulesTrial:
    """What rules on trial would pay, and until when the trial lasts."""

    until_ms: int
    replay: Replay


class RulesAccess(HomeAccess):
    """The rules of the community."""

    def rules(self, *, proposal: str | bytes | None = None) -> RulesInForce:
        """Return the rules in force, or those that a proposal would bring."""
        view = self.sealed if proposal is None else self.view
        ruleset = view.kept.ruleset if proposal is None else self._proposed(prefix(proposal))
        row = active_ruleset.active_row(view.final)
        is_in_force = ruleset.id == view.kept.ruleset.id
        is_adopted = row is not None and is_in_force
        return RulesInForce(
            ruleset=ruleset.id,
            name=ruleset.name,
            in_force=is_in_force,
            since_height=row.height if row is not None and is_adopted else 0,
            until_ms=(row.until_ms or None) if row is not None and is_adopted else None,
            document=dict(ruleset.document),
            sentences=tuple(rule_sentences(ruleset.document, self.words.language)),
        )

    def check_rules(self, file: Path) -> RulesCheck:
        """Return what is wrong with the rules in a file; in a community, also what asks too much.

        Raises UnreadableFile.
        """
        text = text_of_file(file)
        problems = rulesets.check(text)
        if not problems:
            ruleset = rulesets.read_toml(text)
            try:
                problems = rulesets.check(text, self._electorate(ruleset))
            except (NotInCommunity, MissingDatabase):
                problems = []
        if problems:
            return RulesCheck(tuple(problems), ())
        ruleset = rulesets.read_toml(text)
        unsaid = rulesets.unset_membership_keys(ruleset)
        concerns = rule_concerns(ruleset.document, self.words)
        return RulesCheck((), tuple(unsaid), tuple(concerns))

    def compare_rules(self, what: str) -> RulesDifference:
        """Return what a file of rules, or a proposal, would change, and how that is decided."""
        return difference(self.view, self.named_rules(what))

    def propose_decision(self, text: str, *, vote: bool = False) -> WrittenRecord:
        """Propose a decision in words. vote: ask for a vote where silence could pass."""
        body = note_body(text, permanent=True, words=self.words)
        data = {"subject": "decision", **({"vote": True} if vote else {})}
        return self._write_one("rules.propose", data, (), body)

    def propose_rules(
        self, file: Path, *, sunset: str | None = None, backtest: bool = False, vote: bool = False
    ) -> WrittenRecord:
        """Propose the rules in a file in place of those in force.

        sunset: after how long they end by themselves, like 30d. backtest: add the hash of one.
        vote: ask for a vote where silence could pass. Raises BadRuleset, UnreadableFile.
        """
        text = text_of_file(file)
        ruleset = rulesets.read_toml(text)
        for problem in rulesets.check(text, self._electorate(ruleset)):
            place = Position(problem.line, problem.column)
            raise BadRuleset(problem.sentence, problem.hint, place)
        name = backtests.replayed(self.view, ruleset, None).name if backtest else None
        return self.propose_ruleset(ruleset, sunset=sunset, backtest=name, vote=vote)

    def propose_ruleset(
        self,
        ruleset: Ruleset,
        *,
        sunset: str | None = None,
        backtest: bytes | None = None,
        vote: bool = False,
    ) -> WrittenRecord:
        """Propose rules in place of those in force.

        sunset, vote: as in `propose_rules`. backtest: `Replay.name` of these rules, None for none.
        Raises WouldNotCount, UnreadableTime.
        """
        from commonweal.node.service.events import Text

        if ruleset.id == self.view.kept.ruleset.id:
            raise WouldNotCount(self.words("these rules are in force already"))
        data: dict[str, Any] = {
            "subject": "rules",
            "base": bytes(self.view.kept.ruleset.id),
            "form": "whole",
            **({"vote": True} if vote else {}),
        }
        if sunset is not None:
            data["sunset"] = max(1, read_duration_ms(sunset) // HOUR_MS)
        if backtest is not None:
            data["backtest"] = backtest
        body = Text("application/msgpack", ruleset.to_bytes(), permanent=True)
        return self._write_one("rules.propose", data, (), body)

    def rules_history(self) -> list[RulesHistoryRow]:
        """Return the rules that were in force, the first ones first."""
        view = self.sealed
        first = active_ruleset.founding(view.kept.founded, view.kept.documents)
        rows = [(0, first.id, b""), *active_ruleset.history(view.final)]
        last = len(rows) - 1
        return [
            RulesHistoryRow(
                height,
                RulesetId(ruleset),
                proposal or None,
                n == last and ruleset == view.kept.ruleset.id,
            )
            for n, (height, ruleset, proposal) in enumerate(rows)
        ]

    def backtest(self, what: str, *, height: int | None = None) -> Replay:
        """Replay the sealed past, up to a height, under a file of rules or a proposal."""
        return backtests.replay(self.view, self.named_rules(what), height)

    def trial(self, proposal: str | bytes) -> RulesTrial:
        """Return what rules that are on trial would pay. Raises UsageError when none are."""
        view = self.view
        id = view.id_among(prefix(proposal), PROPOSAL)
        row = proposals.proposal_row(view.final, id)
        if row is None or row.status != proposals.TRIAL:
            raise UsageError(self.words("{id} is not on trial").format(id=id.hex()[:8]))
        return RulesTrial(row.until_ms, backtests.replay(view, backtests.proposed(view, row)))

    def named_rules(self, what: str) -> Ruleset:
        """Return the rules in a file, or those of a proposal. Raises BadRuleset, UnknownId."""
        path = Path(what)
        if path.exists() or path.suffix == ".toml":
            return rulesets.read_toml(text_of_file(path))
        return self._proposed(what)

    def _proposed(self, text: str) -> Ruleset:
        id = self.view.id_among(text, PROPOSAL)
        row = proposals.proposal_row(self.view.state, id)
        assert row is not None, "it is a proposal"
        if row.subject != proposals.RULES:
            raise UsageError(self.words("{id} proposes no rules").format(id=id.hex()[:8]))
        return backtests.proposed(self.view, row)

    def _electorate(self, ruleset: Ruleset) -> int:
        """Return how many could object now where these rules take silence for consent."""
        state = self.view.state
        members = [member.id for member in membership.members(state) if member.status == "active"]
        lazy = ruleset.processes.get("lazy")
        role = "" if lazy is None else lazy.ballots[0].voters
        holders = [member for member in members if role and roles.holds(state, member, role)]
        return len(holders or members)


def difference(view: LedgerView, new: Ruleset) -> RulesDifference:
    """Return what other rules would change of those in force, and how that is decided."""
    old = view.kept.ruleset
    back = active_ruleset.fallback(view.kept.final, view.kept.documents)
    changes = tuple(
        RuleChange(".".join(map(str, change.path)), change.old, change.new)
        for change in differences(old, new)
    )
    classes = tuple(classes_of(old, new, back=back))
    return RulesDifference(changes, classes, old.id, new.id, process_of(old, new, back=back))
