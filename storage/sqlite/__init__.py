"""SQLite: connections, schema, migrations, and read-only SQL."""
