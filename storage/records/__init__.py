"""Records on disk: logs, blobs, settings, addresses, seals and indexes."""
