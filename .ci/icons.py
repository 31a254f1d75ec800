"""Draw the sheet of icons, web/assets/icons.svg, from one version of lucide-static; `make icons`.

The package is fetched by npm from the registry that it is set to, checked against the hash below,
and only the icons that the page uses are taken, with the licence beside them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "web" / "assets"
PACKAGE = "lucide-static@1.62.0"
SHA512 = "WBZA/m2PvkFpMGHDtsBck5P2A9G4ehLlYu4GwwICcmEm1BvYVgj00lCDxKRWLlbMlOibLaiwdQ88G5pHkSWgwA=="
ICONS = {
    "attest": "badge-check",
    "calendar": "calendar-days",
    "campaigns": "target",
    "data": "database",
    "deals": "handshake",
    "give": "circle-plus",
    "invite": "user-plus",
    "ledger": "book-open",
    "market": "store",
    "money": "coins",
    "more": "ellipsis",
    "node": "server",
    "people": "users",
    "reports": "chart-column",
    "rules": "scroll-text",
    "settings": "settings",
    "things": "package",
    "today": "sun",
    "votes": "vote",
}
"""Each symbol of the sheet, and the icon that it is."""


def main() -> None:
    """Write the sheet and its licence."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
        data = next(Path(folder).glob("*.tgz")).read_bytes()
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != SHA512:
        raise SystemExit(f"{PACKAGE}: sha512 {digest}, not the one that was locked")
    with tarfile.open(fileobj=io.BytesIO(data)) as package:
        texts = {symbol: _text(package, f"icons/{name}.svg") for symbol, name in ICONS.items()}
        licence = _text(package, "LICENSE")
    mark = re.search(r"<svg[^>]*>(.*)</svg>", (ASSETS / "mark.svg").read_text("utf-8"), re.DOTALL)
    assert mark is not None, "the mark is a drawing"
    symbols = [f'<symbol id="mark" viewBox="0 0 24 24">{mark[1].strip()}</symbol>']
    symbols += [_symbol(symbol, text) for symbol, text in sorted(texts.items())]
    sheet = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
    (ASSETS / "icons.svg").write_text(sheet, "utf-8")
    (ASSETS / "icons.LICENSE.txt").write_text(f"icons.svg: {PACKAGE}\n\n{licence}", "utf-8")


def _text(package: tarfile.TarFile, name: str) -> str:
    file = package.extractfile(f"package/{name}")
    assert file is not None, "the package has it"
    return file.read().decode()


def _symbol(symbol: str, text: str) -> str:
    inner = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
    assert inner is not None, "an icon is a drawing"
    shapes = " ".join(inner[1].split())
    stroke = 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round"'
    look = f'viewBox="0 0 24 24" {stroke} stroke-linejoin="round"'
    return f'<symbol id="{symbol}" {look}>{shapes}</symbol>'


if __name__ == "__main__":
    main()
