"""Messages between nodes: hello, records, seals, state sync."""
