"""Claims about events, attestations and the commons."""
