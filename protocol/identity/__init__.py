"""Members, devices and keys: inception, founding, invites, rotation, addresses."""
