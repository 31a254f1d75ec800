"""The replica: what this node holds of the community, its limits, and whose gossip it takes."""
