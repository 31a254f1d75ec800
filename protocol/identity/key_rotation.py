"""Which keys speak for a member, after all that changed them. It never asks who wrote a record.

A member begins with the keys of his inception. Later ones follow by the word of the keys
before them, or of enough of his sponsors: people whose keys he named for the day on which
he has lost his own. Every word is signed, so it can be read without the ledger: by
whoever is shown a few records at the beginning of a link.

Records (`data`; signatures are [[key, signature]...], keys ascending, each once):
  member.sponsors  member, sponsors: a document with their keys and how many of them are
                   needed, or empty bytes for nobody any more; signatures by the member's
                   keys over ["commonweal/1/sponsors", community, member, number, sponsors],
                   number counting these records of the member from 1
  member.rekey     member, inception: a document with the next keys; devices: those of the
                   member that stay, ascending; signatures by the member's keys, or by some
                   of his sponsors', over ["commonweal/1/rekey", community, member, number,
                   inception, devices], number counting the member's changes from 1
Devices are named because an enrolment under the old keys can be made up later, and given
an early place: what is not named when the keys change writes nothing more.
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
"""Who could give a member other keys: few enough that each of them is chosen."""
SIGNATURES_MAX = 16
DEVICES_MAX = 64
"""As many as a member can have."""
SCHEME = "weal-key:"
TEXT_CHARS_MAX = 1_500
PASTED_CHARS_MAX = 4 * TEXT_CHARS_MAX
"""A code with the white space that a letter or a terminal put into it."""
CHECK_BYTES = 4

SponsorChoices: TypeAlias = tuple[tuple[MemberKey, bytes], ...]
"""Sponsors, by their keys, with the document that each wants for the member."""


@dataclass(frozen=True, slots=True)
class MemberKeys:
    """Who speaks for a member now, and who could give him other keys.

    rekeys, named: how often the keys were changed and sponsors were named. words: what
    sponsors have said of the next keys, one word each, keys ascending.
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
    def speaking(self) -> tuple[tuple[MemberKey, ...], int]:
        """The keys that speak for the member, and how many of them are needed."""
        return self.keys, self.threshold


def apply_rekey(old: MemberKeys, community: bytes, data: Mapping[str, Any]) -> MemberKeys:
    """Return what `member.rekey` makes of a member's keys.

    His own keys speak, or his sponsors', one by one or together; until enough of these want
    the same document, only their words change. Raises Malformed, or BadSignature when a
    signature is not one of theirs, or not good.
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
    """Return what `member.sponsors` makes of a member's keys. Raises Malformed or BadSignature."""
    text, number = data.get("sponsors"), old.named + 1
    document = None if text == b"" else _document(text)
    if document is not None and len(document.keys) > SPONSORS_MAX:
        raise Malformed(f"a member has at most {SPONSORS_MAX} sponsors")
    named = document.to_bytes() if document else b""
    fields = (community, old.member, number, named)
    _check(old.keys, old.threshold, data, keys.SPONSORS_CONTEXT, *fields)
    return replace(old, sponsors=document, named=number, words=())


def kept_devices(data: Mapping[str, Any]) -> list[DeviceKey]:
    """Return the devices that a `member.rekey` leaves to its member. Raises Malformed."""
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
    """Return the `data` of a `member.rekey` with the one signature of `signer`.

    devices: those of the member that stay.
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
    """Return the `data` of a `member.sponsors` with the one signature of `signer`."""
    named = sponsors.to_bytes() if sponsors else b""
    fields = (community, old.member, old.named + 1, named)
    signature = keys.sign_array(signer, keys.SPONSORS_CONTEXT, *fields)
    return {
        "member": bytes(old.member),
        "sponsors": named,
        "signatures": [[signer.key, signature]],
    }


def key_to_text(inception: Inception) -> str:
    """Return a document of keys as it is pasted: behind the beginning of its hash."""
    data = inception.member[:CHECK_BYTES] + inception.to_bytes()
    return SCHEME + urlsafe_b64encode(data).rstrip(b"=").decode()


def key_from_text(text: str) -> Inception:
    """Return the document in a text; white space in it is ignored. Raises Malformed."""
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
    """Return who of `present` signed; raise unless `needed` did, and nobody else."""
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
    """Return the pairs of key and signature in a record. Raises BadSignature."""
    if type(value) is not list or not 1 <= len(value) <= SIGNATURES_MAX:
        raise BadSignature(f"not a list of 1 to {SIGNATURES_MAX} signatures")
    for pair in value:
        if not (type(pair) is list and len(pair) == 2 and all(type(x) is bytes for x in pair)):
            raise BadSignature("a signature is not [key, signature]")
    return [(MemberKey(key), signature) for key, signature in value]
