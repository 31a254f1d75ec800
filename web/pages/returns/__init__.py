"""What comes back for what was given: money and reports."""
