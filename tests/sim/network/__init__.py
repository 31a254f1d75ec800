"""Networks in simulation: neighbours, gossip, slow links, what agreement costs."""
