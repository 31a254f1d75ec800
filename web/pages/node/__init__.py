"""The node of the member and its surroundings: how it stands, and who is invited."""
