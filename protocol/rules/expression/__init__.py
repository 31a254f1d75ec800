"""The expressions of rules: a total subset of CEL, the same answer on every node.

`check` reads and types a rule once; `evaluate` runs it any number of times. Both end
within limits that are counted, never timed: characters, depth, nodes, fuel, bits. There
are no fractions, no clock, no maps to walk through, no text to build, and no way to go on
after an error. (CEL: cel.dev; what differs is listed in docs/rules.md.)
"""

from commonweal.protocol.rules.expression.checker import CheckedExpression, check, evaluate
from commonweal.protocol.rules.expression.evaluation import FUEL_MAX, Tank
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
    "ListType",
    "RecordType",
    "Scalar",
    "Tank",
    "Type",
    "Value",
    "check",
    "evaluate",
]
