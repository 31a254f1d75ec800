"""`weal seal`: make what is held final, while one device alone says what is.

Only the device that founded the community can, and only until seals by a quorum stand.
"""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.commands.folded import Folded, folded, submit
from commonweal.commands.language import _, ngettext
from commonweal.commands.options import form_option, home_option, passphrase_option
from commonweal.commands.output import Form, say, write_json
from commonweal.commands.writing import now_ms
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import DEPS_MAX, RecordId
from commonweal.storage.home import Home


@click.command("seal")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def seal(passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Make everything held here final: votes are counted, rules come into force, shares are paid.

    Until a quorum of witnesses seals, only the device that founded the community can.
    """
    from commonweal.node.events import Wish
    from commonweal.protocol.ledger import witness

    with folded(home) as found:
        before = found.kept.cut.height
        data = found.kept.history().next_cut(now_ms())
        written = []
        if data is not None:
            wish = Wish(witness.KIND, data, _cited(found, data))
            written = submit(found, [wish], passphrase_file)
    if not written:
        if form is Form.JSON:
            return write_json({"height": before, "records": 0})
        return say(_("Nothing is new since height {height}.").format(height=before))
    with folded(home) as found:
        height = found.kept.cut.height
        (row,) = found.kept.layers.rows("SELECT records FROM seal_row WHERE height = ?", (height,))
        records = int(row[0])
    if form is Form.JSON:
        id = written[0].id.hex()
        return write_json({"id": id, "seq": written[0].seq, "height": height, "records": records})
    many = ngettext("{n} record is final", "{n} records are final", records).format(n=records)
    return say(_("Height {height}: {many}.").format(height=height, many=many))


def _cited(found: Folded, data: dict[str, object]) -> tuple[RecordId, ...]:
    """Return a few of the last records that a cut covers, so that it stands after them."""
    logs = data["logs"]
    assert type(logs) is list, "a cut names logs"
    heads = [found.store.id_at(DeviceKey(one[0]), one[1] - 1) for one in logs]
    held = [id for id in heads if id is not None]
    return tuple(sorted(held, key=found.clock)[-DEPS_MAX:])


def sealed_now(found: Folded) -> tuple[State, int]:
    """Return the state and height if all that is held were sealed now; nothing is kept."""
    history = found.kept.history()
    advance = history.next_advance(now_ms())
    if advance is None:
        return history.final, history.cut.height
    covered = history.covered(advance)
    assert not covered.missing, "what is chosen is held"
    history.accept(history.conclude(advance, covered.records), b"")
    return history.final, history.cut.height
