"""The documents of a UPnP gateway: its description, and its answers to what is asked of it.

They are XML of a stranger: one with a DTD is refused, so no entity is ever expanded, and nothing
is fetched for another. Nothing here sends anything.
Source: UPnP Device Architecture 1.1, sections 2.3 and 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from commonweal.node.network.reach.gateways.gateway_client import GatewayRefused, GatewaySilent
from commonweal.node.network.reach.gateways.ssdp import is_of_gateway

SERVICES: Final = (
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
)
"""Services that forward ports, the preferred first."""
VALUE_CHARACTERS_MAX: Final = 256
OK: Final = 200


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """Where a gateway takes what is asked of it, and by the name of which service."""

    service: str
    url: str


class ActionFailed(GatewayRefused):
    """The gateway refused an action. code: as the service defines it; 0 when it gave none."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{said} ({code})" if said else f"UPnP error {code}")
        self.code = code


def control_point(description: bytes, url: str, gateway: str) -> ControlPoint:
    """Return the control point that a description names. Raises GatewaySilent when it has none.

    url: of the description. The control point must be on the gateway, too.
    """
    tree = _parsed(description)
    base = _text(tree, "URLBase") or url
    offered: dict[str, str] = {}
    for service in tree.iter():
        if _name(service) == "service" and (kind := _text(service, "serviceType")) in SERVICES:
            offered.setdefault(kind, _text(service, "controlURL"))
    for kind in SERVICES:
        if kind not in offered:
            continue
        try:
            target = urljoin(base, offered[kind])
        except ValueError:
            continue
        if is_of_gateway(target, gateway):
            return ControlPoint(kind, target)
    raise GatewaySilent("UPnP: the router's description names no service that forwards ports")


def question(service: str, action: str, arguments: Mapping[str, str]) -> bytes:
    """Return the envelope of an action."""
    listed = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in arguments.items())
    return (
        '<?xml version="1.0"?>\r\n'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:{action} xmlns:u="{service}">{listed}</u:{action}></s:Body></s:Envelope>\r\n'
    ).encode()


def answer(status: int, body: bytes) -> dict[str, str]:
    """Return what an action answered, by name. Raises ActionFailed, GatewaySilent."""
    values: dict[str, str] = {}
    for element in _parsed(body).iter():
        values.setdefault(_name(element), (element.text or "").strip()[:VALUE_CHARACTERS_MAX])
    if status == OK:
        return values
    code = values.get("errorCode", "")
    is_number = code.isascii() and code.isdecimal() and len(code) < len("10000")
    raise ActionFailed(int(code) if is_number else 0, values.get("errorDescription", ""))


def _parsed(document: bytes) -> ElementTree.Element:
    try:
        text = document.decode()
        if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
            raise GatewaySilent("UPnP: the router's answer has a DTD")
        return ElementTree.fromstring(text)  # noqa: S314
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError) as error:
        raise GatewaySilent(f"UPnP: the router's answer is no XML: {error}") from error


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(parent: ElementTree.Element, name: str) -> str:
    for child in parent:
        if _name(child) == name:
            return (child.text or "").strip()
    return ""
