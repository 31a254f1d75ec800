"""What attacks a node: its disk, its peers, its network, its owner's terminal."""
