"""The local API: its server, its client, and starting and ending nodes."""
