"""Key rotation and social recovery: which keys sign for a member, after all changes.

A member begins with the keys of the inception. New keys are authorised by the keys before them,
or by enough of the member's sponsors: people whose keys the member named in advance, for the case
that the own keys are lost. Each statement is signed, so a peer can check it from a few records
shown in a handshake, without the ledger. Nothing here asks for the author of a record.

Records (`data`; signatures are [[key, signature]...], keys ascending, each once):
  member.sponsors  member, sponsors: a document with their keys and threshold, or empty bytes
                   for no sponsors; signatures by the member's keys over
                   ["commonweal/1/sponsors", community, member, number, sponsors],
                   number counting these records of the member from 1
  member.rekey     member, inception: a document with the next keys; devices: the member's
                   devices that remain, ascending; signatures by the member's keys, or by
                   some of the sponsors', over ["commonweal/1/rekey", community, member,
                   number, inception, devices], number counting the member's changes from 1
Devices are named because an enrolment under the old keys can be forged later with an early
position: a device that is not named when the keys change writes nothing more.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import BadSignature, Malformed
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.keys import (
    KEY_BYTES,
    DeviceKey,
    MemberId,
    MemberKey,
    SignedContext,
    Signer,
)

REKEY = "member.rekey"
SPONSORS = "member.sponsors"
SPONSORS_MAX = 7
"""Sponsors of one member."""
SIGNATURES_MAX = 16
DEVICES_MAX = 64
"""Devices of one member."""
SCHEME = "weal-key:"
TEXT_CHARS_MAX = 1_500
PASTED_CHARS_MAX = 4 * TEXT_CHARS_MAX
"""Size of a pasted code, with the white space that mail or a terminal added."""
CHECK_BYTES = 4

SponsorChoices: TypeAlias = tuple[tuple[MemberKey, bytes], ...]
"""Pairs (key of a sponsor, document of keys that the sponsor supports), keys ascending."""


@dataclass(frozen=True, slots=True)
class MemberKeys:
    """The present keys of a member, and the sponsors who could replace them.

    rekeys, named: number of key changes and of `member.sponsors` records so far. words: the
    document of next keys that each sponsor supports.
    """

    member: MemberId
    keys: tuple[MemberKey, ...]
    threshold: int
    rekeys: int = 0
    sponsors: Inception | None = None
    named: int = 0
    words: SponsorChoices = ()

    @classmethod
    def first(cls, inception: Inception) -> MemberKeys:
        """Return the keys with which a member begins."""
        return cls(inception.member, inception.keys, inception.threshold)

    @property
    def key_set(self) -> tuple[tuple[MemberKey, ...], int]:
        """The keys that sign for the member, and how many of them are needed."""
        return self.keys, self.threshold


def apply_rekey(old: MemberKeys, community: bytes, data: Mapping[str, Any]) -> MemberKeys:
    """Return a member's keys after a `member.rekey` with this `data`.

    The member's keys or the sponsors' keys sign. Sponsors may sign one by one: until enough of
    them support the same document, only `words` changes. Raises `Malformed`, or `BadSignature`
    for an invalid signature or another signer.
    """
    inception = _document(data.get("inception"))
    document, signers = inception.to_bytes(), {key for key, _ in signatures(data.get("signatures"))}
    fields = (community, old.member, old.rekeys + 1, document, [*map(bytes, kept_devices(data))])
    if old.sponsors is None or signers <= set(old.keys):
        _check(old.keys, old.threshold, data, keys.REKEY_CONTEXT, *fields)
        return _with(old, inception)
    said = _check(old.sponsors.keys, 1, data, keys.REKEY_CONTEXT, *fields)
    words = dict(old.words) | dict.fromkeys(said, document)
    if list(words.values()).count(document) >= old.sponsors.threshold:
        return _with(old, inception)
    return replace(old, words=tuple(sorted(words.items())))


def apply_sponsors(old: MemberKeys, community: bytes, data: Mapping[str, Any]) -> MemberKeys:
    """Return a member's keys after a `member.sponsors`. Raises `Malformed` or `BadSignature`."""
    text, number = data.get("sponsors"), old.named + 1
    document = None if text == b"" else _document(text)
    if document is not None and len(document.keys) > SPONSORS_MAX:
        raise Malformed(f"a member has at most {SPONSORS_MAX} sponsors")
    named = document.to_bytes() if document else b""
    fields = (community, old.member, number, named)
    _check(old.keys, old.threshold, data, keys.SPONSORS_CONTEXT, *fields)
    return replace(old, sponsors=document, named=number, words=())


def kept_devices(data: Mapping[str, Any]) -> list[DeviceKey]:
    """Return the devices that remain after a `member.rekey`, ascending. Raises `Malformed`."""
    devices = data.get("devices")
    if type(devices) is not list or len(devices) > DEVICES_MAX:
        raise Malformed(f"a change of keys names at most {DEVICES_MAX} devices")
    if not all(type(device) is bytes and len(device) == KEY_BYTES for device in devices):
        raise Malformed("a device is a key of 32 bytes")
    if devices != sorted(set(devices)):
        raise Malformed("devices stand in ascending order, each once")
    return [DeviceKey(device) for device in devices]


def sign_rekey(
    signer: Signer,
    old: MemberKeys,
    community: bytes,
    inception: Inception,
    devices: Iterable[DeviceKey] = (),
) -> dict[str, Any]:
    """Return the `data` of a `member.rekey` signed by `signer` alone.

    devices: the member's devices that remain.
    """
    named: list[codec.Value] = [*sorted(map(bytes, devices))]
    fields = (community, old.member, old.rekeys + 1, inception.to_bytes(), named)
    signature = keys.sign_array(signer, keys.REKEY_CONTEXT, *fields)
    return {
        "member": bytes(old.member),
        "inception": inception.to_bytes(),
        "devices": named,
        "signatures": [[signer.key, signature]],
    }


def sign_sponsors(
    signer: Signer, old: MemberKeys, community: bytes, sponsors: Inception | None
) -> dict[str, Any]:
    """Return the `data` of a `member.sponsors` signed by `signer` alone."""
    named = sponsors.to_bytes() if sponsors else b""
    fields = (community, old.member, old.named + 1, named)
    signature = keys.sign_array(signer, keys.SPONSORS_CONTEXT, *fields)
    return {
        "member": bytes(old.member),
        "sponsors": named,
        "signatures": [[signer.key, signature]],
    }


def key_to_text(inception: Inception) -> str:
    """Return a document of keys as text: the first bytes of its hash, then the document."""
    data = inception.member[:CHECK_BYTES] + inception.to_bytes()
    return SCHEME + urlsafe_b64encode(data).rstrip(b"=").decode()


def key_from_text(text: str) -> Inception:
    """Return the document in a pasted text; white space is ignored. Raises `Malformed`."""
    is_short = len(text) <= PASTED_CHARS_MAX
    text = "".join(text.split()) if is_short else ""
    if not text.startswith(SCHEME) or len(text) > TEXT_CHARS_MAX:
        raise Malformed(f"a code starts with {SCHEME} and has at most {TEXT_CHARS_MAX} characters")
    coded = text[len(SCHEME) :]
    try:
        data = urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        inception = Inception.from_bytes(data[CHECK_BYTES:])
    except (binascii.Error, ValueError, Malformed) as error:
        raise Malformed("a part of the code is missing or changed") from error
    if inception.member[:CHECK_BYTES] != data[:CHECK_BYTES]:
        raise Malformed("a part of the code is missing or changed")
    return inception


def _with(old: MemberKeys, inception: Inception) -> MemberKeys:
    return replace(
        old,
        keys=inception.keys,
        threshold=inception.threshold,
        rekeys=old.rekeys + 1,
        words=(),
    )


def _document(value: Any) -> Inception:
    if type(value) is not bytes:
        raise Malformed("a document of keys is bytes")
    return Inception.from_bytes(value)


def _check(
    present: Sequence[MemberKey],
    needed: int,
    data: Mapping[str, Any],
    context: SignedContext,
    *fields: Any,
) -> list[MemberKey]:
    """Return the keys of `present` that signed; raise unless `needed` did, and no other key."""
    pairs = signatures(data.get("signatures"))
    signers = [key for key, _ in pairs]
    if signers != sorted(set(signers)) or not set(signers) <= set(present):
        raise BadSignature("signed by other keys than those that may")
    if len(signers) < needed:
        raise BadSignature(f"{len(signers)} of {needed} signatures")
    signed = keys.signed_array(context, *fields)
    for key, signature in pairs:
        keys.verify(key, signed, signature)
    return signers


def signatures(value: Any) -> list[tuple[MemberKey, bytes]]:
    """Return the (key, signature) pairs in a record. Raises `BadSignature` for another form."""
    if type(value) is not list or not 1 <= len(value) <= SIGNATURES_MAX:
        raise BadSignature(f"not a list of 1 to {SIGNATURES_MAX} signatures")
    for pair in value:
        if not (type(pair) is list and len(pair) == 2 and all(type(x) is bytes for x in pair)):
            raise BadSignature("a signature is not [key, signature]")
    return [(MemberKey(key), signature) for key, signature in value]
