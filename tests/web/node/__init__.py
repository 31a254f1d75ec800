"""The pages of the node and of invites."""
