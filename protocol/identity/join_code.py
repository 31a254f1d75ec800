"""Join codes: an address and a secret, short enough to be read aloud, in place of a link.

A code holds ten secret bytes, a port and an IP address, as letters and digits with a check. The
link itself is fetched from the node at that address while it runs. Whoever asks shows a hash that
follows from the secret and from both peer keys, which the connection proved; the answer is the
link in a box under another such hash. (docs/protocol/joining.md.) Nothing here connects.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from commonweal.protocol.errors import BadLink, NotPermitted
from commonweal.protocol.identity.invite import LINK_CHARS_MAX, SCHEME, is_address
from commonweal.protocol.keys import (
    CODE_ASK,
    CODE_BOX,
    HASH_BYTES,
    PeerKey,
    hash32,
)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U; what looks like another is read as that."""
SECRET_BYTES = 10
PORT_BYTES = 2
CHECK_CHARACTERS = 2
CHECK_PRIME = 1021
"""The check is the number that the other characters are, modulo this: a prime below 32 * 32, so
that one wrong character, or two neighbours in the wrong order, never pass."""
GROUP_CHARACTERS = 4
ANSWER_BYTES_MAX = LINK_CHARS_MAX + SecretBox.NONCE_SIZE + SecretBox.MACBYTES
TYPED_CHARACTERS_MAX = 256

SALT = b"commonweal/1code"
"""The salt of Argon2id, 16 bytes: a code is used once, so one for all will do."""
PASSES, MEMORY_BYTES = argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE
"""libsodium's INTERACTIVE: 2 passes over 64 MiB, some 0.1 s for each guess at a secret."""

_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SIZES = {SECRET_BYTES + PORT_BYTES + size: size for size in (4, 16)}


@dataclass(frozen=True, slots=True)
class JoinCode:
    """What a code says. address: a multiaddr, ip4 or ip6 with tcp."""

    address: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class CodeKeys:
    """The two 32-byte keys that follow from the secret of a code: to ask, and to answer."""

    ask: bytes
    answer: bytes


def to_text(code: JoinCode) -> str:
    """Return a code as it is read aloud, in groups of four."""
    parts = code.address.split("/")
    host = ip_address(parts[2]).packed
    characters = _encoded(code.secret + int(parts[4]).to_bytes(PORT_BYTES) + host)
    starts = range(0, len(characters), GROUP_CHARACTERS)
    return "-".join(characters[start : start + GROUP_CHARACTERS] for start in starts)


def from_text(text: str) -> JoinCode:
    """Return the code in a typed text; case, spaces and hyphens are ignored. Raises BadLink."""
    if len(text) > TYPED_CHARACTERS_MAX:
        raise BadLink(_form())
    plain = "".join(text.split()).replace("-", "").upper().translate(_ALIKE)
    payload = _decoded(plain)
    if payload is None:
        raise BadLink(_form())
    if _encoded(payload) != plain:
        raise BadLink("a character of the code is mistyped or missing")
    host = payload[SECRET_BYTES + PORT_BYTES :]
    port = int.from_bytes(payload[SECRET_BYTES : SECRET_BYTES + PORT_BYTES])
    kind, shown = ("ip4", IPv4Address(host)) if len(host) == 4 else ("ip6", IPv6Address(host))
    address = f"/{kind}/{shown}/tcp/{port}"
    if not is_address(address):
        raise BadLink("the code names no port")
    return JoinCode(address, payload[:SECRET_BYTES])


def is_link(text: str) -> bool:
    """Whether a typed text is meant as a link, and not as a code."""
    return "".join(text.split()).startswith(SCHEME)


def keys_of(secret: bytes) -> CodeKeys:
    """Return the keys of a secret; slow by intent, so that nobody tries many."""
    key = argon2id.kdf(2 * HASH_BYTES, secret, SALT, opslimit=PASSES, memlimit=MEMORY_BYTES)
    return CodeKeys(key[:HASH_BYTES], key[HASH_BYTES:])


def question(keys: CodeKeys, asker: PeerKey, host: PeerKey) -> bytes:
    """Return the 32 bytes by which `asker` shows `host`, on this connection, that it has a code."""
    return hash32(CODE_ASK, keys.ask, asker, host)


def answer(keys: CodeKeys, link: str, asker: PeerKey, host: PeerKey, nonce: bytes) -> bytes:
    """Return the link for `asker` alone: the nonce of 24 bytes, and a box."""
    return bytes(_box(keys, asker, host).encrypt(link.encode(), nonce))


def link_in(keys: CodeKeys, data: bytes, asker: PeerKey, host: PeerKey) -> str:
    """Return the link in an answer. Raises NotPermitted where `host` does not know the code."""
    try:
        return _box(keys, asker, host).decrypt(data).decode()
    except (CryptoError, ValueError) as error:
        raise NotPermitted("the node at this address does not know the code") from error


def _box(keys: CodeKeys, asker: PeerKey, host: PeerKey) -> SecretBox:
    return SecretBox(hash32(CODE_BOX, keys.answer, asker, host))


def _form() -> str:
    lengths = " or ".join(str(_length(size)) for size in _SIZES)
    return f"a link starts with {SCHEME}, and a code has {lengths} letters and digits"


def _length(size: int) -> int:
    """Return how many characters stand for a payload of `size` bytes, with the check."""
    return -(-size * 8 // 5) + CHECK_CHARACTERS


def _encoded(payload: bytes) -> str:
    """Return a payload as characters, the first bits first, with its check."""
    count = _length(len(payload)) - CHECK_CHARACTERS
    value = int.from_bytes(payload) << (count * 5 - len(payload) * 8)
    value = value << 5 * CHECK_CHARACTERS | value % CHECK_PRIME
    count += CHECK_CHARACTERS
    return "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(count)))


def _decoded(characters: str) -> bytes | None:
    """Return the payload of as many characters as a code has; None of others."""
    size = next((size for size in _SIZES if _length(size) == len(characters)), None)
    if size is None or not set(characters) <= set(ALPHABET):
        return None
    value = 0
    for character in characters[:-CHECK_CHARACTERS]:
        value = value << 5 | ALPHABET.index(character)
    spare = (len(characters) - CHECK_CHARACTERS) * 5 - size * 8
    return (value >> spare).to_bytes(size)
