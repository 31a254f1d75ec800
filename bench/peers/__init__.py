"""Other systems that replicate logs or tables, measured where they are installed."""
