"""Rules that somebody is about to propose: those in force, or a template, with other numbers.

A draft follows again from what was typed, so that nothing of it has to be kept: the numbers
and the sentences of a form, and what they are put into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.governance import backtests
from commonweal.client.governance.backtests import BacktestCheck, Replay
from commonweal.client.governance.rule_numbers import tables_of, with_numbers
from commonweal.client.governance.rule_sentences import (
    LANGUAGES,
    RulePart,
    by_table,
    place_name,
    rank,
    rule_parts,
    say_anew,
    slot_of,
)
from commonweal.client.governance.rule_templates import TEMPLATES, document_of_rules
from commonweal.client.governance.rules import RulesDifference, difference
from commonweal.client.governance.vote_words import process_words
from commonweal.client.language.words import Words
from commonweal.protocol.errors import BadRuleset, UnknownTemplate
from commonweal.protocol.ledger.governance import active_ruleset, proposals
from commonweal.protocol.ledger.governance.proposals import PROPOSAL
from commonweal.protocol.rules import document as rulesets
from commonweal.protocol.rules.document import Ruleset, RulesetId
from commonweal.protocol.rules.schema import SENTENCE_CHARACTERS_MAX


@dataclass(frozen=True, slots=True)
class RuleSource:
    """What a draft begins from.

    template: a key of TEMPLATES; text: of a file (TOML). Without both it is the rules in force.
    """

    template: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class NumberChange:
    """A number before and after, as people read it. old, new: "" where there is none."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RuleRewording:
    """A rule that a change touches: what it says before and after, in both languages.

    place: as `rule_sentences` names it. before, after: the sentence by language; empty where the
    rule is not there. numbers: those that change. other: keys that change beside them, as text.
    """

    place: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    numbers: tuple[NumberChange, ...]
    other: tuple[NumberChange, ...]

    @property
    def is_new(self) -> bool:
        """Whether there was no such rule before."""
        return not self.before

    @property
    def is_gone(self) -> bool:
        """Whether there is no such rule any more."""
        return not self.after


@dataclass(frozen=True, slots=True)
class RulesDraft:
    """Rules about to be proposed.

    ruleset: None where something is wrong. refused: why a number was not taken, by its key.
    problems: what is wrong with the rules as a whole. changes: in words; how: what decides it.
    """

    ruleset: Ruleset | None
    parts: tuple[RulePart, ...]
    refused: Mapping[str, str]
    problems: tuple[str, ...]
    changes: tuple[RuleRewording, ...] = ()
    difference: RulesDifference | None = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class ProposalReplay:
    """What a proposal would have paid, and whether the backtest that it carries is right."""

    check: BacktestCheck | None
    replay: Replay | None


@dataclass(frozen=True, slots=True)
class DraftTexts:
    """What was typed into a draft. numbers: by their keys. sentences: by (place, language)."""

    numbers: Mapping[str, str] = field(default_factory=dict)
    sentences: Mapping[tuple[str, str], str] = field(default_factory=dict)


class RuleDrafts(HomeAccess):
    """Rules that this member is about to propose."""

    def rule_parts(self, source: RuleSource = RuleSource()) -> list[RulePart]:
        """Return the rules, each with its sentence and its numbers. Raises BadRuleset."""
        return rule_parts(self._document(source), self.words.language)

    def draft_rules(
        self, source: RuleSource = RuleSource(), texts: DraftTexts = DraftTexts()
    ) -> RulesDraft:
        """Return rules with the numbers and sentences that were typed, and what they change.

        Raises BadRuleset where the source itself is none, UnknownTemplate.
        """
        old = self._document(source)
        parts = tuple(rule_parts(old, self.words.language))
        document, values, refused = with_numbers(old, texts.numbers, self.words)
        say_anew(document, old, values)
        _say(document, texts.sentences)
        if refused:
            return RulesDraft(None, parts, refused, ())
        try:
            ruleset = rulesets.from_map(document)
        except BadRuleset as error:
            return RulesDraft(None, parts, {}, (_problem(error),))
        view = self.view
        changed = difference(view, ruleset)
        return RulesDraft(
            ruleset,
            parts,
            {},
            (),
            tuple(rewordings(view.kept.ruleset.document, ruleset.document, self.words)),
            changed,
            process_words(changed.classes, changed.process, self.words),
        )

    def proposed_changes(self, proposal: str | bytes) -> tuple[RuleRewording, ...]:
        """Return in words what a proposal of rules changes of those it was made for."""
        view, (_, row) = self.view, self._proposal(proposal)
        if row.subject != proposals.RULES:
            return ()
        old = active_ruleset.by_id(view.state, view.kept.documents, RulesetId(row.base))
        new = backtests.proposed(view, row)
        return tuple(rewordings(old.document, new.document, self.words))

    def sealed_height(self) -> int:
        """Return the height up to which there is a past to replay."""
        return self.view.kept.cut.height

    def replay_ruleset(self, ruleset: Ruleset, *, last: int = 0) -> Replay:
        """Replay the sealed past under rules. last: the last so many heights; 0 for all."""
        return backtests.replay(self.view, ruleset, None, self._since(last))

    def replay_proposal(self, proposal: str | bytes, *, last: int = 0) -> ProposalReplay:
        """Replay the sealed past under the rules of a proposal, and check its own backtest.

        last: the last so many heights; 0 for all. Costs two folds of all records.
        """
        _, row = self._proposal(proposal)
        return ProposalReplay(*backtests.checked(self.view, row, self._since(last)))

    def _since(self, last: int) -> int:
        return max(0, self.view.kept.cut.height - last) if last else 0

    def _proposal(self, proposal: str | bytes) -> tuple[bytes, proposals.ProposalRow]:
        id = self.view.id_among(prefix(proposal), PROPOSAL)
        row = proposals.proposal_row(self.view.state, id)
        assert row is not None, "it is a proposal"
        return id, row

    def _document(self, source: RuleSource) -> Mapping[str, Any]:
        if source.text:
            return rulesets.read_toml(source.text).document
        if source.template:
            if source.template not in TEMPLATES:
                raise UnknownTemplate(source.template)
            document = dict(document_of_rules(source.template))
            # A template is proposed for this community, under its own name.
            return document | {"name": self.view.kept.ruleset.name}
        return self.view.kept.ruleset.document


def rewordings(
    old: Mapping[str, Any], new: Mapping[str, Any], words: Words
) -> Iterator[RuleRewording]:
    """Yield the rules that differ, with what they say before and after."""
    before, after = _tables(old), _tables(new)
    numbers = [_numbers(document, words) for document in (old, new)]
    if old.get("name") != new.get("name"):
        change = NumberChange(words("name"), str(old.get("name")), str(new.get("name")))
        yield RuleRewording("", {}, {}, (), (change,))
    for place in sorted(dict.fromkeys((*before, *after)), key=rank):
        was, now = before.get(place, {}), after.get(place, {})
        if was == now:
            continue
        was_counted, now_counted = (tables.get(place, {}) for tables in numbers)
        known = {re.split("[.~]", slot)[0] for slot in (*was_counted, *now_counted)}
        other = tuple(
            NumberChange(key, _text(was.get(key)), _text(now.get(key)))
            for key in dict.fromkeys((*was, *now))
            if key not in known.union(LANGUAGES) and was.get(key) != now.get(key)
        )
        counted = tuple(_changed(was_counted, now_counted))
        yield RuleRewording(place, _said(was), _said(now), counted, other)


def _tables(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of a document by their names, without those that lie in them."""
    return {
        place_name(document, path): {key: value for key, value in table.items() if key != "buckets"}
        for path, table, _ in tables_of(document)
    }


def _numbers(document: Mapping[str, Any], words: Words) -> dict[str, dict[str, tuple[str, str]]]:
    """Return label and value of each number, by its table and by its place there."""
    return {
        place_name(document, path): {
            slot_of(number, path): (number.label(words), number.said(number.value, words))
            for number in numbers
        }
        for path, numbers in by_table(document).items()
    }


def _changed(
    was: Mapping[str, tuple[str, str]], now: Mapping[str, tuple[str, str]]
) -> Iterator[NumberChange]:
    for name in dict.fromkeys((*was, *now)):
        if was.get(name) != now.get(name):
            label = (now.get(name) or was[name])[0]
            yield NumberChange(label, was.get(name, ("", ""))[1], now.get(name, ("", ""))[1])


def _said(table: Mapping[str, Any]) -> dict[str, str]:
    return {language: str(table.get(language, "")) for language in LANGUAGES} if table else {}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _say(document: dict[str, Any], sentences: Mapping[tuple[str, str], str]) -> None:
    """Put sentences into the tables of a document, which is changed in place."""
    for path, table, fields in tables_of(document):
        place = place_name(document, path)
        for language in LANGUAGES:
            text = sentences.get((place, language))
            if text is not None and language in fields and text != table.get(language, ""):
                table[language] = text[: SENTENCE_CHARACTERS_MAX + 1]


def _problem(error: BadRuleset) -> str:
    return f"{error.sentence}; {error.hint}" if error.hint else error.sentence
