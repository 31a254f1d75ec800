"""What all commands print and parse: tables, language, options, times, quantities."""
