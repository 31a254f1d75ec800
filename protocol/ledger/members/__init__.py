"""Membership: joining, leaving, roles, seats, key recovery, forks."""
