"""Members, devices, keys, invites."""
