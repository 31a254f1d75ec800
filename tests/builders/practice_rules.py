"""The rules of the practice community."""

from __future__ import annotations

from typing import Any

from tests.protocol.ledger.council import SAID, process
from tests.protocol.ledger.workshop import INCOME

RULES: dict[str, Any] = {
    "name": "Practice",
    "membership": {
        "vouches": 0,
        "growth_per_week": 1,
        "delay_hours": 24,
        "founding_circle": 4,
        **SAID,
    },
    "roles": {"helper": {"endorsements": 1, **SAID}, "keeper": {"endorsements": 1, **SAID}},
    "contributions": {"attestations": 1, "common_attestations": 1, "keeper": "keeper", **SAID},
    "admit": {"short": {"actions": ["work"], "when": "event.effort <= 24000", **SAID}},
    "value": {
        "work": {"points": "event.effort_unit == 'hour' ? event.effort : 0", **SAID},
        "produce": {"points": "event.quantity * 2", **SAID},
    },
    "pools": {
        "income": {
            "unit": "EUR",
            "income": INCOME,
            "commission": ["10%"],
            "buckets": [
                {"name": "fund", "share": "10%", "to": "community", **SAID},
                {"name": "care", "share": "10%", "to": "role", "role": "helper", **SAID},
                {"name": "bread", "share": "20%", "actions": ["produce"], **SAID},
                {
                    "name": "work",
                    "share": "100%",
                    "of": "remainder",
                    "claim": "equity",
                    "actions": ["work"],
                    **SAID,
                },
            ],
            **SAID,
        }
    },
    "governance": {
        "ordinary": process(early=True),
        "constitution": process(threshold="2/3"),
        "membership": process(),
    },
}
