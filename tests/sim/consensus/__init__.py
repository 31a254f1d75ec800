"""Consensus in simulation: seals, their faults, forks of finality, and state sync."""
