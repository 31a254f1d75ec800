"""What tests build: homes, nodes, links, communities."""
