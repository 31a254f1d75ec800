"""Errors of a rule or ruleset, or of the values that a rule was given."""

from __future__ import annotations

from commonweal.protocol.errors.base import CommonwealError


class RuleError(CommonwealError):
    """The rule cannot be used as it is written; see docs/rules.md."""

    exit_code = 65

    def __init__(self, sentence: str, hint: str, at: tuple[int, int]) -> None:
        self.sentence, self.hint, (self.line, self.column) = sentence, hint, at
        super().__init__(f"line {self.line}, column {self.column}: {sentence}; {hint}")


class RuleSyntaxError(RuleError):
    """The rule is not written in the language of rules; see its grammar in docs/rules.md."""


class RuleTypeError(RuleError):
    """The rule names something unknown or mixes what does not go together; correct it there."""


class TooLarge(RuleError):
    """The rule, or a list that it reads, is larger than the language allows; make it smaller."""


class RuleOverflow(RuleError):
    """A number left the range of 128 bits, so there is no result; count in a larger unit."""


class DivisionByZero(RuleError):
    """The rule divided by zero, so there is no result; test the divisor first with ?: ."""


class OutOfFuel(RuleError):
    """The rule took more steps than one evaluation may, so there is no result; let it do less."""


class ValueMismatch(RuleError):
    """A value given to the rule is not of the declared type; correct the record that holds it."""


class BadRuleset(CommonwealError):
    """The ruleset cannot be used as it is; `weal rules check FILE` lists all that is wrong."""

    exit_code = 65

    def __init__(self, sentence: str, hint: str, at: tuple[int, int]) -> None:
        what = f"{sentence}; {hint}" if hint else sentence
        super().__init__(f"line {at[0]}, column {at[1]}: {what}")
        self.sentence, self.hint = sentence, hint
        self.line, self.column = at
