"""The page of a member in their browser, and the HTTP API: a process beside the node."""
