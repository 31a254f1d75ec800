"""People: members and newcomers, roles, agents outside, and keys."""
