"""Background work on what is stored: scrubbing, signature audit, erasure."""
