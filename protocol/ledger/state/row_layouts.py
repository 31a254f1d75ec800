"""How a table is laid out, and the long rows, as `tables` names them."""

from __future__ import annotations

from typing import Final, NamedTuple

INTENT_ROW: Final = (
    "[member: id, clock: int, action: text, provider: agent?, receiver: agent?,"
    " quantity: quantity, taken: quantity, met: quantity, spec: id?, resource: id?,"
    " tags: [text ...], scope: text?, minimum: quantity?, available: quantity?, begin: int?,"
    " end: int?, due: int?, status: text, by: id?, plan: id?, input_of: id?, output_of: id?,"
    " factor: text?]"
)
OFFER_ROW: Final = (
    "[member: id, clock: int, purpose: text, publishes: [id ...], reciprocal: [id ...],"
    " unit_based: bool, begin: int?, end: int?, proposed_to: [id|text ...], location: text?,"
    " status: text, by: id?]"
)
COMMITMENT_ROW: Final = (
    "[member: id, clock: int, action: text, provider: agent, receiver: agent,"
    " quantity: quantity, given: quantity, spec: id?, satisfies: [id ...], resource: id?,"
    " begin: int?, end: int?, due: int?, status: text, agreement: id?, plan: id?, input_of: id?,"
    " output_of: id?, factor: text?]"
)
AGREEMENT_ROW: Final = (
    "[member: id, clock: int, stipulates: [id ...], reciprocal: [id ...], parties: [id ...],"
    " yes: int, answer_by: int?, counters: id?,"
    " sets_off: [[commitment: id, n: int, scale: int, unit: text] ...], status: text, cause: id?]"
)
RECIPE_FLOWS: Final = "[[action: text, quantity: quantity, spec: id?, factor: text?] ...]"
EVENT_ROW: Final = (
    "[member: id, clock: int, action: text, provider: agent, receiver: agent?,"
    " quantity: quantity?, effort: quantity?, spec: id?, source: id?, target: id?,"
    " input_of: id?, output_of: id?, scope: text?, factor: text?, fulfills: id?,"
    " satisfies: id?, corrections: int, yes: int, no: int, disputes: int, corrected_by: bytes,"
    " height?: int, time_ms?: int, earned_by?: bytes, pending?: true|int]"
)
RESOURCE_ROW: Final = (
    "[spec: id?, accountable: agent, custodian: agent, accounting: int, onhand: int,"
    " scale: int, unit: text, stage: id?, state: text?, location: text?, contained: id?]"
)
PROPOSAL_ROW: Final = (
    "[subject: text, member: id, clock: int, base: id, target: bytes, kind: text, status: text,"
    " sunset_hours: int, backtest: bytes?, opened_ms: int, deadline_ms: int, electorate: int,"
    " early: bool, yes: int, no: int, abstain: int, block: int, until_ms: int, height: int,"
    " is_voted: bool, ballots: [[voters: text, electorate: int, needed: int, quorum: int,"
    " blocks: int, objections: int, present: int, yes: int, no: int, abstain: int,"
    " block: int, early_failure?: bool, least_yes?: int,"
    " thresholds?: [[above: int, below: int, more: bool] ...], indifferent?: int] ...]]"
)
LINE_ROW: Final = (
    "[unit: text, scale: int, ruleset: id, count: int, line: [bucket: text, sort: text,"
    " member: id, amount: int, of: int, weight: int, weights: int, inputs: [id ...],"
    " source: bytes, income: bytes, commissions: int, corrects: int, parts?: [int ...]]]"
)


class Layout(NamedTuple):
    """How a table is laid out. owner: the module below protocol/ledger that names it."""

    prefix: bytes
    key: str
    value: str
    owner: str
    meaning: str
