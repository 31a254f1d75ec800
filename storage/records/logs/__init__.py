"""The logs of records: packed runs, indexes, forks and bases."""
