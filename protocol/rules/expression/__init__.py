"""The expression language of rules: a total subset of CEL with the same result on every node.

`check` parses and types a rule once; `evaluate` runs it any number of times. Both are bounded by
counted limits, never by time: characters, depth, nodes, fuel, bits. There are no fractions, no
clock, no iteration over maps, no string construction, and no recovery from errors. (CEL: cel.dev;
docs/rules.md lists the differences.)
"""

from commonweal.protocol.rules.expression.checker import CheckedExpression, check, evaluate
from commonweal.protocol.rules.expression.evaluation import FUEL_MAX, FuelBudget
from commonweal.protocol.rules.expression.tokens import (
    INT_DIGITS_MAX,
    NAME_CHARACTERS_MAX,
    SOURCE_CHARACTERS_MAX,
    STRING_CHARACTERS_MAX,
)
from commonweal.protocol.rules.expression.tree import DEPTH_MAX, NODES_MAX
from commonweal.protocol.rules.expression.types import (
    BOOL,
    INT,
    INT_MAX,
    INT_MIN,
    LIST_ITEMS_MAX,
    STRING,
    ListType,
    RecordType,
    Scalar,
    Type,
    Value,
)

__all__ = [
    "BOOL",
    "DEPTH_MAX",
    "FUEL_MAX",
    "INT",
    "INT_DIGITS_MAX",
    "INT_MAX",
    "INT_MIN",
    "LIST_ITEMS_MAX",
    "NAME_CHARACTERS_MAX",
    "NODES_MAX",
    "SOURCE_CHARACTERS_MAX",
    "STRING",
    "STRING_CHARACTERS_MAX",
    "CheckedExpression",
    "FuelBudget",
    "ListType",
    "RecordType",
    "Scalar",
    "Type",
    "Value",
    "check",
    "evaluate",
]
