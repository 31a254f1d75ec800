"""Hole punching: two nodes behind routers turn a relayed link into a direct one."""
