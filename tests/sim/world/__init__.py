"""The simulated community: its agenda, network, weather, nodes, liars and stories."""
