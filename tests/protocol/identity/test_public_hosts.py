"""Which numbers count as public."""

from __future__ import annotations

import pytest

from commonweal.protocol.identity.public_hosts import is_public_host


@pytest.mark.parametrize(
    ("host", "public"),
    [
        *(("8.8.8.8", True), ("2a02:168::1", True), ("198.51.100.7", True), ("172.15.0.1", True)),
        *(("10.1.2.3", False), ("172.31.0.1", False), ("192.168.0.1", False), ("fd00::1", False)),
        *(("100.64.0.1", False), ("127.0.0.1", False), ("169.254.3.4", False), ("::1", False)),
        *(("fe80::1%eth0", False), ("::ffff:192.168.0.1", False), ("::ffff:8.8.8.8", True)),
        *(("0.0.0.0", False), ("224.0.0.1", False), ("ff02::1", False)),
    ],
)
def test_which_numbers_the_internet_routes(host: str, public: bool) -> None:
    assert is_public_host(host) is public
