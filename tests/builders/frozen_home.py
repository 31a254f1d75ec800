"""Freezes a home of this version: `python -m tests.builders.frozen_home NAME`, in tests/homes.

Its last contribution waits for a seal; all before it is sealed, at two heights. A frozen home is
never changed again: every later version must open it. Its secrets are those of nobody. Beside it
lies what it must say: expected.json.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.builders.weal import founder, good

HOMES = Path(__file__).parents[1] / "homes"
KEPT = ("ledger.db", "keystore")
ROWS = 20
"""Rows that are written at once, so that they are packed."""


def said(home: Path) -> dict[str, object]:
    """Return what a home says that no later version may change."""
    status = good("status", "--home", home, "-o", "json").json
    ledger = good("ledger", "--home", home, "-o", "json").json
    names = ("community", "member", "device", "records", "frontier", "state")
    rows = ("id", "member", "member_name", "action", "quantity", "unit", "note")
    seals = good("seals", "--home", home, "-o", "json").json["seals"]
    return {
        "status": {name: status[name] for name in names},
        "ledger": [{name: row[name] for name in rows} for row in ledger["records"]],
        "seals": [{name: seal[name] for name in ("height", "seal", "time")} for seal in seals],
    }


def freeze(name: str) -> None:
    """Make a home with this version and keep it under `name`."""
    with TemporaryDirectory() as folder:
        home = founder(Path(folder) / "home", "Ann", "Garden")
        good("record", "work", "2.5", "hour", "--note", "dug the beds 挖地", "--home", home)
        good("seal", "--home", home)
        good("record", "工作", "１", "小时", "--home", home)
        sheet = Path(folder) / "hours.csv"
        sheet.write_text("Hours\n" + "".join(f"{n % 8 + 1}\n" for n in range(ROWS)))
        good("import", "csv", sheet, "--yes", "--home", home)
        good("seal", "--home", home)
        good("record", "produce", "12", "kilogram", "--scope", "tomatoes", "--home", home)
        good("invite", "create", "--uses", "3", "--home", home, "-o", "json")
        target = HOMES / name
        target.mkdir(parents=True)
        for file in KEPT:
            shutil.copy(home / file, target / file)
        (target / "expected.json").write_text(
            json.dumps(said(home), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        )


if __name__ == "__main__":
    freeze(sys.argv[1])
