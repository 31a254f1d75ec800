"""QR codes, drawn as SVG without styles, for telephones, paper and labels."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup

QR_CHARS_MAX = 1_200
"""Beyond this a telephone cannot read the code from paper."""

_QUIET = 4


def qr_code(text: str) -> Markup:
    """Return a text as a QR code; as large as what is around it. text: ASCII, QR_CHARS_MAX."""
    assert len(text) <= QR_CHARS_MAX, "it is still to be read"
    drawn = io.BytesIO()
    look = {"omitsize": True, "light": "#fff", "svgclass": "qr", "lineclass": None}
    code = segno.make(text, error="m", micro=False)
    code.save(drawn, "svg", border=_QUIET, xmldecl=False, nl=False, **look)
    return Markup(drawn.getvalue().decode())  # noqa: S704 - made of numbers alone
