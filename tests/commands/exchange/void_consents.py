"""Inputs of consents by which nothing that counts would be written.

As in `void_inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping

_SAID = "--for research --notice x"
_GRANT = f"{_SAID} --to Bo"

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("consent", "grant"): (
        *(f"mei {{nothing}} {_GRANT}", f"mei cart {_GRANT}", f"mei cart {_SAID}", "mei cart"),
        *("mei --request {nothing}", "mei --request {work}", f"mei cart {_GRANT} --until soon"),
        *(f"zoe cart {_GRANT}", f"fresh cart {_GRANT}", f"nobody cart {_GRANT}"),
    ),
    ("consent", "ask"): (
        *(f"mei {{nothing}} {_SAID}", f"mei cart {_SAID}", "mei cart", "mei cart --for research"),
        *(f"mei cart {_SAID} --until soon", f"mei cart {_GRANT}", f"bo {{work}} {_SAID}"),
        *(f"zoe cart {_SAID}", f"fresh cart {_SAID}", f"nobody cart {_SAID}"),
    ),
    ("consent", "revoke"): (
        *("mei {nothing}", "mei {work}", "bo {nothing}", "zoe {work}", "fresh {work}"),
        *("nobody {work}", "mei {nothing} --vote", "mei {work} --vote", "zoe {work} --vote"),
        "mei {work} --note x",
    ),
}
