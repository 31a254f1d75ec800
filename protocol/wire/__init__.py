"""Messages between nodes: hello, records, seals, state sync, and the frames that carry them."""
