"""Membership in simulation: joining, returning, and how much members may write."""
