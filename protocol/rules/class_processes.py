"""The process of each class of change, as the tables of [governance] describe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.protocol.rules.process import Ballot, Process
from commonweal.protocol.rules.schema import CLASSES, LAZY, PROCESS
from commonweal.protocol.rules.table_values import filled, portion_of
from commonweal.protocol.vocabulary.rule_params import HOUR_MS

DEFAULT_THRESHOLDS = {"ordinary": ">1/2", "constitution": "2/3", "membership": "2/3", "lazy": "0%"}
"""The default threshold of each class; lazy consensus needs no yes, also when a vote is held."""


def class_processes(tables: Mapping[str, Any]) -> dict[str, Process]:
    """Return the process of each class; of lazy consensus only when the document has it."""
    processes: dict[str, Process] = {}
    for name in CLASSES:
        if name == "lazy" and name not in tables:
            continue
        is_lazy = name == "lazy"
        table = {"threshold": DEFAULT_THRESHOLDS[name], **tables.get(name, {})}
        values = filled(LAZY if is_lazy else PROCESS, table)
        ballot = Ballot(
            values["voters"],
            (portion_of(values["threshold"]),),
            (portion_of(values["quorum"]),),
            blocks=values["blocks"],
            objections=values.get("objections", 0),
            silent=is_lazy,
            min_yes=values["min_yes"],
            indifferent=values["indifferent"],
        )
        processes[name] = Process(
            (ballot,),
            period_ms=values["period_hours"] * HOUR_MS,
            early=values["early"] and not is_lazy,
            early_failure=values["early_failure"],
            trial_ms=values["trial_hours"] * HOUR_MS,
        )
    return processes
