"""The local API of a node, and how it is started."""
