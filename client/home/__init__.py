"""The home of a member from outside: its running node, writing records, addresses, files."""
