"""Relays: members who cannot reach each other are joined by a node that both can reach.

Circuit relay v2 of libp2p on the wire. What runs over a circuit is encrypted from end to end.
"""
