"""Members: list, invite, vouch, leave, roles, devices and keys."""
