"""Belonging: homes, joining, invites, members, devices, roles, and the node of a home."""
