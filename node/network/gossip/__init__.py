"""Gossip among members: libp2p's gossipsub over our own connections."""
