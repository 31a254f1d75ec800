"""Clients of a home router's three protocols by which a port is opened: PCP, NAT-PMP, UPnP IGD.

Whatever comes from the local network is hostile: only the gateway's own address is believed, and
the size, the number and the time of all answers are bounded. Nothing here decides when to ask.
"""
