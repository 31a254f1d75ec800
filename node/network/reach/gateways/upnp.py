"""UPnP IGD: opens a TCP port of the gateway for us, where it speaks neither PCP nor NAT-PMP.

Source: UPnP Forum, WANIPConnection:1 and :2, section 2.4.
"""

from __future__ import annotations

import secrets
from typing import Final

from commonweal.node.network.reach.gateways import soap, ssdp
from commonweal.node.network.reach.gateways.gateway_client import (
    LIFETIME_S,
    GatewayRefused,
    GatewaySilent,
    Grant,
    Route,
    external_address,
    granted,
)
from commonweal.node.network.reach.gateways.http_call import call
from commonweal.node.network.reach.gateways.soap import ActionFailed, ControlPoint

PROTOCOL: Final = "TCP"
DESCRIPTION: Final = "Commonweal"
"""What the list of the router's own page shows beside the port."""
CONFLICT: Final = (718, 729)
"""The external port is another's."""
ONLY_PERMANENT: Final = 725
"""The gateway knows no lifetimes; the mapping stays until it is taken back."""
NO_SUCH_ENTRY: Final = 714
PORTS_TRIED_MAX: Final = 4
PORT_MIN, PORT_MAX = 1_024, 65_535


class UpnpClient:
    """Speaks UPnP with one gateway, whose description is looked for once."""

    method = "UPnP"

    def __init__(self, route: Route, group: str = ssdp.GROUP, port: int = ssdp.PORT) -> None:
        self._route, self._group, self._port = route, group, port
        self._point: ControlPoint | None = None
        self._lease_s = LIFETIME_S

    async def map(self, internal_port: int, external_port: int) -> Grant:
        """As GatewayClient says; another free port is tried where the wanted one is another's."""
        wanted = external_port
        for left in reversed(range(PORTS_TRIED_MAX)):
            try:
                await self._add(internal_port, wanted)
                break
            except ActionFailed as refusal:
                if refusal.code == ONLY_PERMANENT and self._lease_s:
                    self._lease_s = 0
                elif refusal.code in CONFLICT:
                    wanted = PORT_MIN + secrets.randbelow(PORT_MAX - PORT_MIN)
                else:
                    raise
                if not left:
                    raise
        return granted(internal_port, await self._address(), wanted, LIFETIME_S)

    async def stands(self, grant: Grant) -> bool:
        """As GatewayClient says: the entry is there and ours, and the address the same.

        A router that cannot show its entries keeps its word until the renewal.
        """
        try:
            entry = await self._ask("GetSpecificPortMappingEntry", self._entry(grant.external_port))
        except ActionFailed as refusal:
            is_ours = refusal.code != NO_SUCH_ENTRY
        else:
            target = (entry.get("NewInternalClient"), entry.get("NewInternalPort"))
            is_ours = target == (self._route.own, str(grant.internal_port))
        return is_ours and await self._address() == grant.external_host

    async def unmap(self, grant: Grant) -> None:
        """As GatewayClient says."""
        await self._ask("DeletePortMapping", self._entry(grant.external_port))

    async def _add(self, internal_port: int, external_port: int) -> None:
        arguments = {
            **self._entry(external_port),
            "NewInternalPort": str(internal_port),
            "NewInternalClient": self._route.own,
            "NewEnabled": "1",
            "NewPortMappingDescription": DESCRIPTION,
            "NewLeaseDuration": str(self._lease_s),
        }
        await self._ask("AddPortMapping", arguments)

    async def _address(self) -> str:
        """Return the gateway's address outside; "" when it has none."""
        try:
            values = await self._ask("GetExternalIPAddress", {})
        except GatewayRefused:  # a router that is not connected refuses the question
            return ""
        return external_address(values.get("NewExternalIPAddress", ""))

    def _entry(self, external_port: int) -> dict[str, str]:
        return {
            "NewRemoteHost": "",
            "NewExternalPort": str(external_port),
            "NewProtocol": PROTOCOL,
        }

    async def _ask(self, action: str, arguments: dict[str, str]) -> dict[str, str]:
        """Return what the action answers; a router that began anew listens elsewhere."""
        if self._point is not None:
            try:
                return await self._act(self._point, action, arguments)
            except GatewaySilent:
                self._point = None
        url = await ssdp.find(self._route, self._group, self._port)
        _, description = await call(self._route, url)
        self._point = soap.control_point(description, url, self._route.gateway)
        return await self._act(self._point, action, arguments)

    async def _act(
        self, point: ControlPoint, action: str, arguments: dict[str, str]
    ) -> dict[str, str]:
        headers = (
            ("Content-Type", 'text/xml; charset="utf-8"'),
            ("SOAPAction", f'"{point.service}#{action}"'),
        )
        body = soap.question(point.service, action, arguments)
        return soap.answer(*await call(self._route, point.url, body, headers))
