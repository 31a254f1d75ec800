"""A node imports of libp2p what it uses, and whoever asks for the rest has it."""

from __future__ import annotations

import subprocess
import sys

UNUSED = ["aioquic.asyncio", "dns.asyncresolver", "httpx", "requests", "trio_websocket"]
"""What `import libp2p` brings and a node never uses."""
READ = "import sys; print([name for name in sys.argv[1:] if name in sys.modules])"


def imported(code: str) -> str:
    """Return which of those a process of its own has imported after some code."""
    asked = [sys.executable, "-c", f"{code}\n{READ}", *UNUSED]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def test_a_node_imports_no_transport_that_it_does_not_use() -> None:
    assert imported("import commonweal.node.runtime.process") == "[]"


def test_a_package_of_libp2p_is_whole_for_whoever_asks_it_for_a_name() -> None:
    asks = "import commonweal.node.network\nfrom libp2p import new_host\nassert new_host()"
    assert "requests" in imported(asks)


def test_a_name_that_a_package_does_not_have_is_said_as_ever() -> None:
    asks = (
        "import commonweal.node.network, libp2p.host, libp2p\n"
        "assert type(libp2p).__name__ == 'UnreadPackage' and libp2p.abc\n"
        "assert not hasattr(libp2p.host, 'nothing')\n"
        "assert not hasattr(libp2p, '__nothing__')\n"
        "assert type(libp2p).__name__ == 'UnreadPackage'"
    )
    assert imported(asks) == "[]"


def test_what_was_imported_before_is_left_as_it_is() -> None:
    asks = "import libp2p, commonweal.node.network\nassert type(libp2p).__name__ == 'module'"
    assert "requests" in imported(asks)
