"""The second reader comes to the roots of every height, and knows nothing of the product."""

from __future__ import annotations

import ast
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.second_reader.fold import Height, Reader
from tests.second_reader.records import Record
from tests.second_reader.values import hash32

HERE = Path(__file__).parent
PRACTICE = HERE.parent / "vectors" / "practice"
KINDS = HERE.parents[1] / "docs" / "protocol" / "kinds.md"
REASONS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", KINDS.read_text("utf-8"), re.MULTILINE))

RECORDS: dict[str, Any] = json.loads((PRACTICE / "records.json").read_text("utf-8"))
HEIGHTS: list[dict[str, Any]] = json.loads((PRACTICE / "heights.json").read_text("utf-8"))[
    "heights"
]


def reader(wires: list[bytes]) -> Reader:
    documents = {
        bytes.fromhex(name): bytes.fromhex(data) for name, data in RECORDS["documents"].items()
    }
    community = bytes.fromhex(RECORDS["community"])
    return Reader(community, [Record.read(wire) for wire in wires], documents)


def wires() -> list[bytes]:
    return [bytes.fromhex(record["wire"]) for record in RECORDS["records"]]


@cache
def read() -> list[Height]:
    practice = reader(wires())
    return [
        practice.read(bytes.fromhex(one["sealed"]), bytes.fromhex(one["delta"])) for one in HEIGHTS
    ]


@pytest.mark.parametrize("number", range(len(HEIGHTS)))
def test_each_height_has_the_roots_that_its_seal_names(number: int) -> None:
    height, expected = read()[number], HEIGHTS[number]
    roots = {
        "state root": height.state_root,
        "members root": height.members_root,
        "distribution root": height.distribution_root,
        "logs root": height.logs_root,
        "cut root": height.cut_root,
    }
    assert {name: root.hex() for name, root in roots.items()} == {
        name: expected[name] for name in roots
    }


@pytest.mark.parametrize("number", range(len(HEIGHTS)))
def test_each_void_record_has_its_reason(number: int) -> None:
    void = {record.hex(): REASONS[reason] for record, reason in read()[number].void.items()}
    assert void == HEIGHTS[number]["void"]


def test_the_order_in_which_records_come_does_not_matter() -> None:
    backwards = reader(wires()[::-1])
    for one in HEIGHTS:
        height = backwards.read(bytes.fromhex(one["sealed"]), bytes.fromhex(one["delta"]))
        assert height.state_root.hex() == one["state root"]


def begun(parent: dict[str, Any]) -> Reader:
    """Return a reader of a community that goes on from another, before its first height."""
    records = [Record.read(bytes.fromhex(one["wire"])) for one in parent["records"]]
    bodies = [bytes.fromhex(one["body"]) for one in parent["records"]]
    documents = {hash32("body", body): body for body in bodies}
    again = Reader(records[0].id, records, documents)
    again.begin(bodies[1:])
    return again


def test_a_community_that_goes_on_from_a_state_of_fold_1_begins_with_it_in_this_form() -> None:
    file = PRACTICE.parent / "fold_1" / "parent.json"
    parent: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert begun(parent).state.root().hex() == parent["begins with in fold 2"]


def test_a_community_that_goes_on_has_the_roots_that_its_seal_names() -> None:
    parent: dict[str, Any] = json.loads((PRACTICE.parent / "parent.json").read_text("utf-8"))
    again = begun(parent)
    assert again.state.root().hex() == parent["begins with"]
    first = parent["height"]
    height = again.read(bytes.fromhex(first["sealed"]), bytes.fromhex(first["delta"]))
    assert height.state_root.hex() == first["state root"]
    for fact in parent["facts"]:
        assert hash32("fact", bytes.fromhex(fact["array"])).hex() == fact["id"]


def test_it_imports_nothing_of_the_product() -> None:
    allowed = {*sys.stdlib_module_names, "msgpack", "nacl", "pytest"}
    for file in sorted(HERE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Import(names=names):
                    modules = [name.name for name in names]
                case ast.ImportFrom(module=str(module)):
                    modules = [module]
                case _:
                    continue
            for module in modules:
                own = module.startswith("tests.second_reader")
                assert own or module.split(".")[0] in allowed, f"{file.name} imports {module}"
