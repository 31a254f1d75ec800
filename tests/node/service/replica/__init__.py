"""What a node keeps of the community: its chain of seals, and where it joined."""
