"""Keep: back up, restore, verify, prove, export and query."""
