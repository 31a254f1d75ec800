"""A sealed body as it stands in tests/vectors/sealed.json, made by the code that is tested."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.records import data_content, sealed_body
from tests.protocol.authors import BO, MEI, seed

CONTENT_KEY = seed("content key")
CONTENT = b"plot,kg\n1,40\n"


def sealed_vectors() -> dict[str, Any]:
    """A content as it is sealed to two devices: every random value, and the bytes that follow."""
    drawn: list[bytes] = []

    def chance(size: int) -> bytes:
        drawn.append(seed("sealed", len(drawn))[:size])
        return drawn[-1]

    part = data_content.part_of(CONTENT_KEY, CONTENT, 0)
    body, ref = sealed_body.seal(part, [MEI.device, BO.device], chance)
    return {
        "devices": {
            one.device.hex(): seed(name, 0).hex() for name, one in (("Mei", MEI), ("Bo", BO))
        },
        "secret_key": drawn[0].hex(),
        "nonce": drawn[1].hex(),
        "fresh_seeds": [one.hex() for one in drawn[2:]],
        "part": part.hex(),
        "body": body.hex(),
        "hash": ref.hash.hex(),
        "content_key": CONTENT_KEY.hex(),
        "content": CONTENT.hex(),
        "content_hash": data_content.content_hash(CONTENT_KEY, CONTENT).hex(),
    }
