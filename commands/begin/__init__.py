"""Begin: make a home, found or join a community."""
