"""What the service of a node does: pure states, of what it is told."""
