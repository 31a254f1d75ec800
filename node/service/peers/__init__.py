"""Who a peer is, which peers to keep, and what a peer may claim."""
